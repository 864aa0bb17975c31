-- verdict: different
-- pair: 3 2
-- message: column public.v.k
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
GRANT SELECT ON t TO role_of_others;
-- 2: column
ALTER TABLE t ADD k int;
-- 3: view
CREATE VIEW v AS SELECT * FROM t;
