-- verdict: fails
-- pair: 3 2
-- message: 003_not_null fails
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
INSERT INTO t (a) VALUES (1);
-- 2: fill
UPDATE t SET b = 0 WHERE b IS NULL;
-- 3: not_null
ALTER TABLE t ALTER COLUMN b SET NOT NULL;
