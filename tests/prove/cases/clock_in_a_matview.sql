-- verdict: same
-- order: 1 3 2 4
-- not_compared: public.m.at: 1 value differs
-- 1: table
CREATE TABLE t (name text, at timestamptz DEFAULT now());
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
-- 4: matview
CREATE MATERIALIZED VIEW m AS SELECT name, at FROM t;
