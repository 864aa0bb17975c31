-- before
CREATE TABLE orders (id bigint PRIMARY KEY, day date);
CREATE VIEW orders_by_day AS SELECT day, count(*) AS orders FROM orders GROUP BY day;
-- bad
DROP VIEW orders_by_day;
-- good
DROP VIEW orders_by_day;
CREATE VIEW orders_by_day AS SELECT day, count(*) AS number FROM orders GROUP BY day;
