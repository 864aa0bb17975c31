-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- queries
SELECT * FROM orders WHERE id = $1;
-- bad
ALTER TABLE orders ADD COLUMN region text;
-- good
ALTER TABLE orders ALTER COLUMN total SET DEFAULT 0;
