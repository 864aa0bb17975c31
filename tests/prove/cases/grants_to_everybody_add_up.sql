-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: select
GRANT SELECT ON t TO PUBLIC;
-- 3: insert
GRANT INSERT ON t TO PUBLIC;
