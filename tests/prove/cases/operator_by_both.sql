-- verdict: different
-- pair: 3 2
-- message: operator public.===
-- order: 1 3 2
-- 1: functions
CREATE FUNCTION alike(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 = $2';
CREATE FUNCTION close(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 - $2 < 2';
-- 2: alike
DROP OPERATOR IF EXISTS === (int, int);
CREATE OPERATOR === (leftarg = int, rightarg = int, function = alike);
-- 3: close
DROP OPERATOR IF EXISTS === (int, int);
CREATE OPERATOR === (leftarg = int, rightarg = int, function = close);
