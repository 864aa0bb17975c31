-- before
CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(100));
-- bad; also rewrite
ALTER TABLE orders ALTER COLUMN note TYPE varchar(50);
-- good
ALTER TABLE orders ALTER COLUMN note TYPE varchar(200);
