-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- bad
ALTER TABLE orders RENAME TO purchases;
-- good
ALTER TABLE orders RENAME TO purchases;
CREATE VIEW orders AS SELECT * FROM purchases;
