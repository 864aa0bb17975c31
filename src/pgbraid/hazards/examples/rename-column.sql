-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- bad
ALTER TABLE orders RENAME COLUMN total TO amount;
-- good
CREATE TABLE refunds (id bigint PRIMARY KEY, total numeric);
ALTER TABLE refunds RENAME COLUMN total TO amount;
