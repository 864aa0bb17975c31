-- verdict: different
-- pair: 3 2
-- message: public.t_a_idx
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: all
CREATE INDEX ON t (a);
-- 3: some
CREATE INDEX ON t (a) WHERE a > 0;
