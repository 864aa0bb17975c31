-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int, c int);
-- 2: ab
CREATE STATISTICS ab (ndistinct) ON a, b FROM t;
-- 3: bc
CREATE STATISTICS bc (mcv, dependencies) ON c, b FROM t;
