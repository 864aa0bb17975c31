-- verdict: different
-- pair: 3 2
-- message: table public.u
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: default_privileges
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
-- 3: table
CREATE TABLE u (a int);
