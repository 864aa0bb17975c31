-- expect: nothing
-- pgbraid: no-transaction
REFRESH MATERIALIZED VIEW CONCURRENTLY product_ratings;
