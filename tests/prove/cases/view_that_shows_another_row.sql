-- verdict: different
-- pair: 3 2
-- message: rows of materialized view public.m
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (id serial PRIMARY KEY, name text);
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
-- 4: view
CREATE MATERIALIZED VIEW m AS SELECT id, 'first' AS what FROM t ORDER BY id LIMIT 1;
