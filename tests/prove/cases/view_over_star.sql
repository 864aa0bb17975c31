-- verdict: different
-- pair: 3 2
-- message: column public.v.c
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b text);
-- 2: column
ALTER TABLE t ADD COLUMN c int;
-- 3: view
CREATE VIEW v AS SELECT * FROM t;
