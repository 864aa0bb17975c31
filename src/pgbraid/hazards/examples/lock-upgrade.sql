-- before
CREATE TABLE orders (id bigint PRIMARY KEY, state text);
-- bad
UPDATE orders SET state = 'open' WHERE id = 17;
ALTER TABLE orders ADD COLUMN region text;
-- good
ALTER TABLE orders ADD COLUMN region text;
UPDATE orders SET state = 'open' WHERE id = 17;
-- instead
ALTER TABLE orders ADD COLUMN region text;
-- instead
UPDATE orders SET state = 'open' WHERE id = 17;
