-- verdict: same
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int DEFAULT 2;
-- 3: c
ALTER TABLE t ADD COLUMN c int DEFAULT 3;
-- 4: drop_b
ALTER TABLE t DROP COLUMN b;
