-- verdict: different
-- pair: 3 2
-- message: column public.t.a
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: comment
COMMENT ON COLUMN t.a IS 'one';
-- 3: none
COMMENT ON COLUMN t.a IS NULL;
