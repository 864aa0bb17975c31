-- verdict: different
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
CREATE ROLE pgbraid_case_left;
CREATE ROLE pgbraid_case_right;
-- 2: one
ALTER TABLE t OWNER TO pgbraid_case_left;
-- 3: other
ALTER TABLE t OWNER TO pgbraid_case_right;
