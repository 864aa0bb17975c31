-- verdict: different
-- pair: 3 2
-- message: public.t_a_b_stat
-- since: 16
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: distinct
CREATE STATISTICS (ndistinct) ON a, b FROM t;
-- 3: dependencies
CREATE STATISTICS (dependencies) ON a, b FROM t;
