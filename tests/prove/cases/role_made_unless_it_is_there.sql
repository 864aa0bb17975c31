-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: one
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pgbraid_case_maybe') THEN
        CREATE ROLE pgbraid_case_maybe;
    END IF;
END $$;
GRANT SELECT ON t TO pgbraid_case_maybe;
-- 3: two
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pgbraid_case_maybe') THEN
        CREATE ROLE pgbraid_case_maybe;
    END IF;
END $$;
GRANT INSERT ON t TO pgbraid_case_maybe;
