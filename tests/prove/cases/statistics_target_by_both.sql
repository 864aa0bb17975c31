-- verdict: different
-- pair: 3 2
-- message: column public.t.a
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a text);
-- 2: some
ALTER TABLE t ALTER COLUMN a SET STATISTICS 200;
-- 3: more
ALTER TABLE t ALTER COLUMN a SET STATISTICS 500;
