-- verdict: different
-- pair: 3 2
-- message: index public.on_a
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
CREATE INDEX on_a ON t (a);
CREATE INDEX on_b ON t (b);
-- 2: on_a
ALTER TABLE t CLUSTER ON on_a;
-- 3: on_b
ALTER TABLE t CLUSTER ON on_b;
