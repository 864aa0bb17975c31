-- verdict: different
-- pair: 3 2
-- message: type public.d
-- order: 1 3 2
-- 1: domain
CREATE DOMAIN d AS int;
-- 2: one
ALTER DOMAIN d SET DEFAULT 1;
-- 3: two
ALTER DOMAIN d SET DEFAULT 2;
