-- before
CREATE TABLE carts (id bigint PRIMARY KEY, day date);
CREATE VIEW carts_by_day AS SELECT day, count(*) AS carts FROM carts GROUP BY day;
-- bad; also drop-table, dropped-in-use
DROP TABLE carts CASCADE;
-- good
CREATE TABLE drafts (id bigint PRIMARY KEY);
DROP TABLE drafts CASCADE;
