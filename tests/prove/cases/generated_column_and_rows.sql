-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
-- 2: generated
ALTER TABLE t ADD COLUMN double int GENERATED ALWAYS AS (a * 2) STORED;
-- 3: update
UPDATE t SET a = 5;
