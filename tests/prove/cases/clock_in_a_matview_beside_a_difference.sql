-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (name text, at timestamptz DEFAULT now());
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: shout
UPDATE t SET name = upper(name);
-- 4: matview
CREATE MATERIALIZED VIEW m AS SELECT name, at FROM t;
