-- verdict: different
-- pair: 3 2
-- message: public.r
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA a;
-- 2: floats
DROP TYPE IF EXISTS r;
CREATE TYPE r AS RANGE (subtype = float8);
-- 3: integers
DROP TYPE IF EXISTS r;
CREATE TYPE r AS RANGE (subtype = int);
