-- verdict: different
-- pair: 3 2
-- message: index public.i
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: index
CREATE INDEX i ON t (a);
-- 3: drop
DROP INDEX IF EXISTS i;
