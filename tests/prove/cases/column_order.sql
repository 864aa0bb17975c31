-- verdict: column order only
-- pair: 3 2
-- message: leaves the columns of table public.t in another order
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int;
-- 3: c
ALTER TABLE t ADD COLUMN c int;
