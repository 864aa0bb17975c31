-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
-- bad
ALTER TABLE orders ALTER COLUMN total DROP NOT NULL;
-- good
ALTER TABLE orders ALTER COLUMN total SET DEFAULT 0;
