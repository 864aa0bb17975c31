-- verdict: different
-- pair: 3 2
-- message: next value of sequence public.below
-- order: 1 3 2
-- 1: table
CREATE SEQUENCE below INCREMENT -1 MAXVALUE 100 START 100;
CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('below'));
-- 2: rows
INSERT INTO t VALUES (100), (99);
-- 3: sequence
SELECT setval('below', coalesce(min(id), 101) - 1, false) FROM t;
