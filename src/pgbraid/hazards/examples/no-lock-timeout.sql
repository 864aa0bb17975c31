-- before
CREATE TABLE orders (id bigint PRIMARY KEY, state text);
-- bad
SET lock_timeout = 0;
ALTER TABLE orders ADD COLUMN region text;
-- good
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN region text;
-- instead
ALTER TABLE orders ADD COLUMN region text;
