-- verdict: same
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA a;
-- 2: table
CREATE TABLE t (a int);
-- 3: function
CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT count(*) FROM t); END $$;
