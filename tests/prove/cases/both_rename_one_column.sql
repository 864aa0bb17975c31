-- verdict: fails
-- pair: 3 2
-- message: and in the other order
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t RENAME COLUMN a TO b;
-- 3: c
ALTER TABLE t RENAME COLUMN a TO c;
