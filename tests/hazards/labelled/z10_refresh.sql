-- expect: matview-refresh at large, nothing at small
REFRESH MATERIALIZED VIEW product_ratings;
ANALYZE product_ratings;
