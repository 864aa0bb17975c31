-- verdict: different
-- pair: 3 2
-- message: sequence public.s
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
CREATE SEQUENCE s;
-- 2: by_a
ALTER SEQUENCE s OWNED BY t.a;
-- 3: by_b
ALTER SEQUENCE s OWNED BY t.b;
