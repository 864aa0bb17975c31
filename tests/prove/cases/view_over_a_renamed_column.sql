-- verdict: different
-- pair: 3 2
-- message: column public.v.
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: rename
ALTER TABLE t RENAME COLUMN a TO z;
-- 3: view
CREATE VIEW v AS SELECT * FROM t;
