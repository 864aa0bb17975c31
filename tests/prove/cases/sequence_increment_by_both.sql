-- verdict: different
-- pair: 3 2
-- message: sequence public.s
-- order: 1 3 2
-- 1: sequence
CREATE SEQUENCE s;
-- 2: twos
ALTER SEQUENCE s INCREMENT 2;
-- 3: threes
ALTER SEQUENCE s INCREMENT 3;
