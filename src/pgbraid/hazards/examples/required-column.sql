-- before
CREATE TABLE orders (id bigint PRIMARY KEY);
-- bad
ALTER TABLE orders ADD COLUMN state text NOT NULL;
-- good
ALTER TABLE orders ADD COLUMN state text NOT NULL DEFAULT 'new';
