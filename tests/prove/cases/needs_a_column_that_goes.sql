-- verdict: fails
-- pair: 3 2
-- message: column "b" does not exist
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: drop
ALTER TABLE t DROP COLUMN b;
-- 3: index
CREATE INDEX i ON t (b);
