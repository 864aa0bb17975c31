-- verdict: different
-- pair: 3 2
-- message: rows of table public.u
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: row
INSERT INTO t VALUES (1);
-- 3: table_as
CREATE TABLE u AS SELECT a FROM t;
