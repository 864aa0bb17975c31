-- verdict: different
-- pair: 3 2
-- message: index public.i
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: on_a
CREATE INDEX IF NOT EXISTS i ON t (a);
-- 3: on_b
CREATE INDEX IF NOT EXISTS i ON t (b);
