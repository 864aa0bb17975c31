-- verdict: column order only
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
GRANT SELECT ON t TO role_of_others;
-- 2: a
ALTER TABLE t ADD a int;
GRANT UPDATE ON t TO another_role_of_others;
-- 3: b
ALTER TABLE t ADD b int;
