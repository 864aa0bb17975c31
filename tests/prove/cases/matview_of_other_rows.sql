-- verdict: different
-- pair: 3 2
-- message: public.m
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: row
INSERT INTO t VALUES (1);
-- 3: matview
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
