-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id serial PRIMARY KEY, name text);
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: shout
UPDATE t SET name = upper(name);
