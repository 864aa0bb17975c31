-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int;
-- 3: c
ALTER TABLE t ADD COLUMN c int;
-- 4: rows_without_names
INSERT INTO t VALUES (1, 20, 30);
