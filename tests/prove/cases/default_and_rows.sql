-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int DEFAULT 1);
-- 2: default
ALTER TABLE t ALTER COLUMN b SET DEFAULT 2;
-- 3: row
INSERT INTO t (a) VALUES (1);
