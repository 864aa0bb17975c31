-- before
CREATE TABLE orders (id bigint PRIMARY KEY);
-- bad
ALTER TABLE orders ADD COLUMN region text;
ALTER TABLE order_lines ADD COLUMN region text;
-- good
ALTER TABLE orders ADD COLUMN region text;
