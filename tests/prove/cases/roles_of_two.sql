-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: one
CREATE ROLE pgbraid_case_one;
GRANT SELECT ON t TO pgbraid_case_one;
-- 3: two
CREATE ROLE pgbraid_case_two;
GRANT SELECT ON t TO pgbraid_case_two;
