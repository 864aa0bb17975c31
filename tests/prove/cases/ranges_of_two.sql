-- verdict: same
-- order: 1 3 2
-- 1: function
CREATE FUNCTION apart(int, int) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT ($1 - $2)::float8';
-- 2: floats
CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
-- 3: numbers
CREATE TYPE number_range AS RANGE (subtype = int, subtype_diff = apart);
