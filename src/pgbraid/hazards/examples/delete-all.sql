-- before
CREATE TABLE carts (id bigint PRIMARY KEY, day date);
-- bad; also large-write
DELETE FROM carts;
-- good
DELETE FROM carts WHERE id = 17;
