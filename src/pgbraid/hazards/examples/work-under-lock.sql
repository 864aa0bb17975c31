-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- bad
ALTER TABLE orders ADD COLUMN region text;
UPDATE orders SET region = 'north';
-- good
ALTER TABLE orders ADD COLUMN region text;
UPDATE orders SET region = 'north' WHERE id = 1;
-- instead
ALTER TABLE orders ADD COLUMN region text;
-- instead
-- In batches, by ranges of the primary key.
UPDATE orders SET region = 'north' WHERE id BETWEEN 1 AND 5000;
UPDATE orders SET region = 'north' WHERE id BETWEEN 5001 AND 10000;
