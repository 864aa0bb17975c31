-- verdict: different
-- pair: 3 2
-- message: public.v
-- order: 1 3 2
-- 1: schemas
CREATE SCHEMA a;
CREATE TABLE public.t (x int);
-- 2: nearer
CREATE TABLE a.t (x int);
-- 3: view
SET LOCAL search_path = a, public;
CREATE VIEW public.v AS SELECT x FROM t;
