-- before
CREATE SCHEMA shop;
CREATE TABLE orders (id bigint PRIMARY KEY);
-- bad
ALTER TABLE orders SET SCHEMA shop;
-- good
ALTER TABLE orders SET SCHEMA shop;
CREATE VIEW orders AS SELECT * FROM shop.orders;
