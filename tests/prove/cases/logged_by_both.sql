-- verdict: different
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: unlogged
ALTER TABLE t SET UNLOGGED;
-- 3: logged
ALTER TABLE t SET LOGGED;
