-- verdict: different
-- pair: 3 2
-- message: on public.v
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int;
-- 3: c
ALTER TABLE t ADD COLUMN c int;
-- 4: view
CREATE VIEW v AS SELECT * FROM t;
