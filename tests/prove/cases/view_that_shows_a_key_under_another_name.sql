-- verdict: same
-- order: 1 3 2 4
-- not_compared: public.t.id: generated
-- 1: table
CREATE TABLE t (id serial PRIMARY KEY, name text);
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
-- 4: view
CREATE MATERIALIZED VIEW m AS SELECT id AS number, name FROM t;
