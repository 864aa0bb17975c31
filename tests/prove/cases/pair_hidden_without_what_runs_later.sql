-- verdict: different
-- pair: 3 2
-- message: rows of table public.kept
-- order: 1 3 2 4
-- 1: tables
CREATE TABLE t (id serial, name text);
CREATE TABLE kept (id int, name text);
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
-- 4: keep
INSERT INTO kept SELECT id, name FROM t;
