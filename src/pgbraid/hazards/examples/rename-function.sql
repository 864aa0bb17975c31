-- before
CREATE FUNCTION tax(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1 / 5';
-- bad
ALTER FUNCTION tax(numeric) RENAME TO value_added_tax;
-- good
ALTER FUNCTION tax(numeric) RENAME TO value_added_tax;
CREATE FUNCTION tax(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT value_added_tax($1)';
