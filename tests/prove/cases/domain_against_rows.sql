-- verdict: fails
-- pair: 3 2
-- message: 003_constraint fails unless 002_fix has run
-- order: 1 3 2
-- 1: domain
CREATE DOMAIN d AS int;
CREATE TABLE t (a d);
INSERT INTO t VALUES (-1);
-- 2: fix
UPDATE t SET a = 1;
-- 3: constraint
ALTER DOMAIN d ADD CONSTRAINT positive CHECK (VALUE > 0);
