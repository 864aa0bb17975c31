-- verdict: fails
-- pair: 3 2
-- message: role "pgbraid_case_reporter" does not exist
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: role
DO $$ BEGIN EXECUTE format('CREATE ROLE %I', 'pgbraid_case_' || 'reporter'); END $$;
-- 3: grant
GRANT SELECT ON t TO pgbraid_case_reporter;
