-- verdict: different
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a text);
-- 2: seventy
ALTER TABLE t SET (fillfactor = 70);
-- 3: eighty
ALTER TABLE t SET (fillfactor = 80);
