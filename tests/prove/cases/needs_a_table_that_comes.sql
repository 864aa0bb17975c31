-- verdict: fails
-- pair: 3 2
-- message: 003_index fails unless 002_other has run
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: other
CREATE TABLE u (a int);
-- 3: index
CREATE INDEX i ON u (a);
