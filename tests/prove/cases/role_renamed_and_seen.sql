-- verdict: different
-- pair: 3 2
-- message: rows of table public.u
-- order: 1 3 2
-- 1: role
CREATE ROLE pgbraid_case_old;
-- 2: renamed
ALTER ROLE pgbraid_case_old RENAME TO pgbraid_case_new;
-- 3: seen
CREATE TABLE u AS SELECT count(*) FROM pg_roles WHERE rolname = 'pgbraid_case_new';
