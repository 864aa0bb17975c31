-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: one
CREATE INDEX ON t (a);
-- 3: again
CREATE INDEX ON t (a);
