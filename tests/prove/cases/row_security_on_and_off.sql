-- verdict: different
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: enable
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
-- 3: disable
ALTER TABLE t DISABLE ROW LEVEL SECURITY;
