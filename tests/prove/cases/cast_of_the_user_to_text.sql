-- verdict: same
-- order: 1 3 2
-- 1: type
CREATE TYPE pt AS (x int, y int);
CREATE TABLE names (x int, name text);
CREATE FUNCTION shown(pt) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RETURN (SELECT name FROM names WHERE x = $1.x); END $$;
CREATE CAST (pt AS text) WITH FUNCTION shown(pt);
CREATE TABLE t (p pt);
INSERT INTO t VALUES (ROW(1, 2));
-- 2: one
INSERT INTO t VALUES (ROW(3, 4));
-- 3: two
INSERT INTO t VALUES (ROW(5, 6));
