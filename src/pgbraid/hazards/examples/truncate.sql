-- before
CREATE TABLE carts (id bigint PRIMARY KEY);
-- bad
TRUNCATE carts;
-- good
CREATE TABLE drafts (id bigint PRIMARY KEY);
TRUNCATE drafts;
