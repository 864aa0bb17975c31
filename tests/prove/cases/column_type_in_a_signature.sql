-- verdict: different
-- pair: 3 2
-- message: function public.f(
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: big
ALTER TABLE t ALTER COLUMN a TYPE bigint;
-- 3: function
CREATE FUNCTION f(x t.a%TYPE) RETURNS int LANGUAGE sql AS 'SELECT 1';
