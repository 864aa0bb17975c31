-- verdict: different
-- pair: 3 2
-- message: public.u
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: constraint
ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0);
-- 3: like
CREATE TABLE u (LIKE t INCLUDING ALL);
