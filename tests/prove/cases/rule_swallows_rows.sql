-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: rule
CREATE RULE quiet AS ON INSERT TO t DO INSTEAD NOTHING;
-- 3: row
INSERT INTO t VALUES (1);
