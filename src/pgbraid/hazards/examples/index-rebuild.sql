-- before
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);
CREATE INDEX orders_customer_id ON orders (customer_id);
-- bad
REINDEX INDEX orders_customer_id;
-- good
-- pgbraid: no-transaction
REINDEX INDEX CONCURRENTLY orders_customer_id;
-- instead
-- pgbraid: no-transaction
REINDEX INDEX CONCURRENTLY orders_customer_id;
