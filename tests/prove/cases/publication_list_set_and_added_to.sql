-- verdict: different
-- pair: 3 2
-- message: public.u
-- order: 1 3 2
-- 1: tables
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE PUBLICATION p;
-- 2: set
ALTER PUBLICATION p SET TABLE t;
-- 3: add
ALTER PUBLICATION p ADD TABLE u;
