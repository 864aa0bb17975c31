-- verdict: same
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: one
ALTER TABLE t ALTER COLUMN b SET DEFAULT 1;
-- 3: two
ALTER TABLE t ALTER COLUMN b SET DEFAULT 2;
-- 4: drop_b
ALTER TABLE t DROP COLUMN b;
