-- verdict: different
-- pair: 4 3
-- message: index public.i
-- order: 1 2 4 3
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: unrelated
CREATE TABLE u (a int);
-- 3: drop
DROP INDEX IF EXISTS i;
-- 4: index
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY i ON t (b);
