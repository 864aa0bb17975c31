-- verdict: fails
-- pair: 3 2
-- message: could not create unique index
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (1);
-- 2: unique_rows
DELETE FROM t WHERE ctid <> (SELECT ctid FROM t LIMIT 1);
-- 3: unique
-- pgbraid: no-transaction
CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);
