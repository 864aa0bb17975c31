-- verdict: different
-- pair: 3 2
-- message: public.v
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: positive
CREATE OR REPLACE VIEW v AS SELECT a FROM t WHERE a > 0;
-- 3: negative
CREATE OR REPLACE VIEW v AS SELECT a FROM t WHERE a < 0;
