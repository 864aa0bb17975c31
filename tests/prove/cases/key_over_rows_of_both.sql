-- verdict: fails
-- pair: 3 2
-- message: 003_key fails after 002_rows
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
-- 2: rows
CREATE TABLE IF NOT EXISTS t (a int);
INSERT INTO t VALUES (1);
-- 3: key
CREATE TABLE IF NOT EXISTS t (a int);
ALTER TABLE t ADD UNIQUE (a);
DELETE FROM t;
ALTER TABLE t DROP CONSTRAINT t_a_key;
