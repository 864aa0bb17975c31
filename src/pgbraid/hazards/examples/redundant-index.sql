-- before
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, day date);
CREATE INDEX orders_customer_day ON orders (customer_id, day);
-- bad
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY orders_customer ON orders (customer_id);
-- good
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY orders_day ON orders (day);
