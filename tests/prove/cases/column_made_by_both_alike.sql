-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: column
ALTER TABLE t ADD COLUMN IF NOT EXISTS c int;
-- 3: again
ALTER TABLE t ADD COLUMN IF NOT EXISTS c int;
CREATE INDEX IF NOT EXISTS i ON t (c);
