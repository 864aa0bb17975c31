-- verdict: fails
-- pair: 3 2
-- message: role "pgbraid_case_app" does not exist
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: role
CREATE ROLE pgbraid_case_app;
-- 3: grant
GRANT SELECT ON t TO pgbraid_case_app;
