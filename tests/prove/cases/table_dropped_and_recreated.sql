-- verdict: different
-- pair: 3 2
-- message: column public.t.c
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: recreate
DROP TABLE t;
CREATE TABLE t (a int);
-- 3: column
ALTER TABLE t ADD COLUMN c int;
