-- verdict: fails
-- pair: 3 2
-- message: schema "a" does not exist
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA a;
-- 2: rename
ALTER SCHEMA a RENAME TO b;
-- 3: table
CREATE TABLE a.t (x int);
