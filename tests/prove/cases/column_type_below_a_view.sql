-- verdict: fails
-- pair: 3 2
-- message: cannot alter type of a column used by a view or rule
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: view
CREATE VIEW v AS SELECT a FROM t;
-- 3: big
ALTER TABLE t ALTER COLUMN a TYPE bigint;
