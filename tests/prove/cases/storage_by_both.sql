-- verdict: different
-- pair: 3 2
-- message: column public.t.a
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a text);
-- 2: external
ALTER TABLE t ALTER COLUMN a SET STORAGE EXTERNAL;
-- 3: main
ALTER TABLE t ALTER COLUMN a SET STORAGE MAIN;
