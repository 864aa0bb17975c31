-- verdict: fails
-- pair: 3 2
-- message: 003_function fails unless 002_table has run
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA a;
-- 2: table
CREATE TABLE t (a int);
-- 3: function
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t';
