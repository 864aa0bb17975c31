-- verdict: same
-- order: 1 3 2
-- 1: function
CREATE FUNCTION alike(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 = $2';
-- 2: one
CREATE OPERATOR === (leftarg = int, rightarg = int, function = alike, commutator = =~=);
-- 3: other
CREATE OPERATOR =~= (leftarg = int, rightarg = int, function = alike, commutator = ===);
