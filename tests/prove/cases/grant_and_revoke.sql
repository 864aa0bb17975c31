-- verdict: different
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: grant
GRANT SELECT ON t TO PUBLIC;
-- 3: revoke
REVOKE ALL ON t FROM PUBLIC;
