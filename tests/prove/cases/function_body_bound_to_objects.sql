-- verdict: different
-- pair: 3 2
-- message: function public.f()
-- since: 14
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: rename
ALTER TABLE t RENAME COLUMN a TO b;
ALTER TABLE t ADD COLUMN a int;
-- 3: function
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT max(a) FROM t; END;
