-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: on_a
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY on_a ON t (a);
-- 3: on_b
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY on_b ON t (b);
