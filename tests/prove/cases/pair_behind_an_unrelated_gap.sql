-- verdict: different
-- pair: 5 4
-- message: column public.v.c
-- order: 1 3 5 4 2
-- 1: unrelated
CREATE TABLE u (a int);
-- 2: gap_and_harmless
CREATE TABLE w (a int);
-- 3: table
CREATE TABLE t (a int);
-- 4: column
ALTER TABLE t ADD COLUMN c int;
-- 5: view
CREATE VIEW v AS SELECT * FROM t;
