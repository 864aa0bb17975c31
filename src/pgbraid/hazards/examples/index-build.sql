-- before
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);
-- bad
CREATE INDEX orders_customer_id ON orders (customer_id);
-- good
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY orders_customer_id ON orders (customer_id);
-- good
CREATE TABLE refunds (id bigint PRIMARY KEY, order_id bigint);
CREATE INDEX refunds_order_id ON refunds (order_id);
-- instead
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY orders_customer_id ON orders (customer_id);
