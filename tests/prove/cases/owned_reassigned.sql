-- verdict: different
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2
-- 1: roles
CREATE ROLE pgbraid_case_old;
CREATE ROLE pgbraid_case_new;
-- 2: reassign
REASSIGN OWNED BY pgbraid_case_old TO pgbraid_case_new;
-- 3: table
CREATE TABLE t (a int);
ALTER TABLE t OWNER TO pgbraid_case_old;
