-- verdict: different
-- pair: 3 2
-- message: column public.t.c
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: number
ALTER TABLE t ADD COLUMN IF NOT EXISTS c int;
-- 3: text
ALTER TABLE t ADD COLUMN IF NOT EXISTS c text;
