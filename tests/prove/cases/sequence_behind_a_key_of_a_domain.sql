-- verdict: different
-- pair: 3 2
-- order: 1 3 2
-- message: next value of sequence public.s for public.t."id"
-- 1: t
CREATE SEQUENCE s;
CREATE DOMAIN key AS bigint;
CREATE TABLE t (id key PRIMARY KEY DEFAULT nextval('s'), name text);
-- 2: rows
INSERT INTO t VALUES (1, 'a'), (2, 'b');
-- 3: sync
SELECT setval('s', (SELECT coalesce(max(id), 0) + 1 FROM t), false);
