-- verdict: different
-- pair: 3 2
-- message: public.t.a
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: one
ALTER TABLE t ALTER COLUMN a SET DEFAULT 1;
-- 3: two
ALTER TABLE t ALTER COLUMN a SET DEFAULT 2;
