-- verdict: different
-- pair: 3 2
-- message: aggregate public.total(integer)
-- order: 1 3 2
-- 1: aggregate
CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int);
-- 2: from_zero
CREATE OR REPLACE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '0');
-- 3: larger
CREATE OR REPLACE AGGREGATE total (int) (sfunc = int4larger, stype = int);
