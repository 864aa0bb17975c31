-- verdict: different
-- pair: 3 2
-- message: column public.u.a
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: big
ALTER TABLE t ALTER COLUMN a TYPE bigint;
-- 3: table_as
CREATE TABLE u AS SELECT a FROM t;
