-- verdict: same
-- order: 1 3 2
-- 1: function
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- 2: of_number
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
-- 3: of_text
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
