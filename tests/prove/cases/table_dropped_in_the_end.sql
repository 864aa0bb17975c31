-- verdict: same
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int;
-- 3: view
CREATE VIEW v AS SELECT * FROM t;
-- 4: drop
DROP TABLE t CASCADE;
