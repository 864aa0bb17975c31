-- verdict: fails
-- pair: 3 2
-- message: permission denied for table t
-- order: 1 3 2
-- 1: roles
CREATE ROLE pgbraid_case_a;
CREATE ROLE pgbraid_case_b;
CREATE TABLE t (a int);
GRANT ALL ON t TO pgbraid_case_a;
GRANT USAGE, CREATE ON SCHEMA public TO pgbraid_case_b;
-- 2: member
GRANT pgbraid_case_a TO pgbraid_case_b;
-- 3: seen
SET ROLE pgbraid_case_b;
CREATE TABLE seen AS SELECT count(*) FROM t;
