-- verdict: fails
-- pair: 3 2
-- message: relation "t" does not exist
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: rename
ALTER TABLE t RENAME TO u;
-- 3: index
CREATE INDEX ON t (a);
