-- before
CREATE TABLE customers (id bigint PRIMARY KEY, name text);
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- bad; also work-under-lock
ALTER TABLE orders ADD COLUMN region text;
UPDATE orders SET region = 'north';
ALTER TABLE customers ADD COLUMN region text;
-- good
ALTER TABLE orders ADD COLUMN region text;
ALTER TABLE customers ADD COLUMN region text;
-- instead
ALTER TABLE orders ADD COLUMN region text;
-- instead
ALTER TABLE customers ADD COLUMN region text;
-- instead
-- In batches, by ranges of the primary key.
UPDATE orders SET region = 'north' WHERE id BETWEEN 1 AND 5000;
