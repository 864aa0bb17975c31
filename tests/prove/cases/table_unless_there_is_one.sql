-- verdict: different
-- pair: 3 2
-- message: column public.u.b
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: narrow
CREATE TABLE IF NOT EXISTS u (a int);
-- 3: wide
CREATE TABLE IF NOT EXISTS u (a int, b int);
