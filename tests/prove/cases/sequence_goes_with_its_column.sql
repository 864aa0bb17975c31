-- verdict: fails
-- pair: 3 2
-- message: 002_owned fails after 003_drop
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
CREATE SEQUENCE s;
-- 2: owned
ALTER SEQUENCE s OWNED BY t.b;
-- 3: drop
ALTER TABLE t DROP COLUMN b;
