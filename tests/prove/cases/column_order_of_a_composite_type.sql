-- verdict: column order only
-- pair: 3 2
-- message: public.pair
-- order: 1 3 2
-- 1: type
CREATE TYPE pair AS (a int);
-- 2: b
ALTER TYPE pair ADD ATTRIBUTE b int;
-- 3: c
ALTER TYPE pair ADD ATTRIBUTE c int;
