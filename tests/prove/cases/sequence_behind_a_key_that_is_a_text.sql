-- verdict: different
-- pair: 3 2
-- order: 1 3 2
-- message: next value of sequence public.s for public.t."code"
-- 1: t
CREATE SEQUENCE s;
CREATE TABLE t (code text PRIMARY KEY DEFAULT 'A-' || nextval('s'), name text);
-- 2: rows
INSERT INTO t VALUES ('A-1', 'a'), ('A-2', 'b');
-- 3: sync
SELECT setval('s', (SELECT count(*) + 1 FROM t), false);
