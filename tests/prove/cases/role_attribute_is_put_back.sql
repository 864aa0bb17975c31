-- verdict: different
-- pair: 3 2
-- message: rows of table public.u
-- order: 1 3 2
-- 1: role
CREATE ROLE pgbraid_case_attribute;
-- 2: createdb
ALTER ROLE pgbraid_case_attribute CREATEDB;
-- 3: seen
CREATE TABLE u AS SELECT rolcreatedb FROM pg_roles WHERE rolname = 'pgbraid_case_attribute';
