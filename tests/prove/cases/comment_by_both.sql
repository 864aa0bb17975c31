-- verdict: different
-- pair: 3 2
-- message: comment on table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: one
COMMENT ON TABLE t IS 'one';
-- 3: other
COMMENT ON TABLE t IS 'other';
