-- verdict: column order only
-- pair: 3 2
-- message: table public.t
-- since: 15
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int;
-- 3: c
ALTER TABLE t ADD COLUMN c int;
-- 4: publication
CREATE PUBLICATION p FOR TABLE t (b, c) WHERE (b > c);
