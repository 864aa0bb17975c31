-- before
CREATE TABLE orders (id bigint PRIMARY KEY, day date);
CREATE MATERIALIZED VIEW orders_by_day AS SELECT day, count(*) AS orders FROM orders GROUP BY day;
CREATE UNIQUE INDEX orders_by_day_day ON orders_by_day (day);
-- bad
REFRESH MATERIALIZED VIEW orders_by_day;
-- good
REFRESH MATERIALIZED VIEW CONCURRENTLY orders_by_day;
-- instead
REFRESH MATERIALIZED VIEW CONCURRENTLY orders_by_day;
