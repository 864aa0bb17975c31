-- verdict: same
-- order: 1 3 2
-- 1: sequence
CREATE SEQUENCE s;
-- 2: cache
ALTER SEQUENCE s CACHE 10;
-- 3: cycle
ALTER SEQUENCE s CYCLE;
