-- before
CREATE TABLE orders (id bigint PRIMARY KEY, region text);
-- bad
ALTER TABLE orders ADD COLUMN IF NOT EXISTS region text;
-- good
ALTER TABLE orders ADD COLUMN IF NOT EXISTS zone text;
