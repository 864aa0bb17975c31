-- verdict: same
-- order: 1 4 2 5
-- 1: table
CREATE TABLE t (a int, b int);
INSERT INTO t VALUES (1, 1);
-- 2: double
UPDATE t SET b = b * 2;
-- 4: row
INSERT INTO t VALUES (2, 2);
-- 5: empty
TRUNCATE t;
