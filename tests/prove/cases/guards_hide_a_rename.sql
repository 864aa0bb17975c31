-- verdict: different
-- pair: 3 2
-- message: column public.u.c
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: rename
ALTER TABLE IF EXISTS t RENAME TO u;
-- 3: column
ALTER TABLE IF EXISTS t ADD COLUMN c int;
