-- verdict: different
-- pair: 3 2
-- message: materialized view public.m
-- order: 1 3 2
-- 1: matview
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
-- 2: fill
REFRESH MATERIALIZED VIEW m;
-- 3: empty
REFRESH MATERIALIZED VIEW m WITH NO DATA;
