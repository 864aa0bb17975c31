-- verdict: different
-- pair: 3 2
-- message: rule "_RETURN" on public.v
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, at timestamp);
-- 2: all
CREATE OR REPLACE VIEW v AS SELECT a FROM t;
-- 3: new
CREATE OR REPLACE VIEW v AS SELECT a FROM t WHERE at > 'now'::timestamp;
