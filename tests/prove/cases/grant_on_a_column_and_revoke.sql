-- verdict: different
-- pair: 3 2
-- message: column public.t.a
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: grant
GRANT SELECT (a) ON t TO PUBLIC;
-- 3: revoke
REVOKE SELECT ON t FROM PUBLIC;
