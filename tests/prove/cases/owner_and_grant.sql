-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
CREATE ROLE pgbraid_case_owner;
-- 2: owner
ALTER TABLE t OWNER TO pgbraid_case_owner;
-- 3: grant
GRANT SELECT ON t TO PUBLIC;
