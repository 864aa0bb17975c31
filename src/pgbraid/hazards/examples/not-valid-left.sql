-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- bad
ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total >= 0) NOT VALID;
-- good
CREATE TABLE refunds (id bigint PRIMARY KEY, total numeric CHECK (total >= 0));
