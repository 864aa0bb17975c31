-- verdict: fails
-- pair: 3 2
-- message: is not unique
-- order: 1 3 2
-- 1: function
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- 2: of_text
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
-- 3: comment
COMMENT ON FUNCTION f IS 'the only one';
