-- before
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE TABLE carts (id bigint PRIMARY KEY);
-- bad
DROP TABLE carts;
-- good
CREATE TABLE drafts (id bigint PRIMARY KEY);
DROP TABLE drafts;
