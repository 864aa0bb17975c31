-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b text);
-- 2: one
CREATE INDEX one ON t (a);
-- 3: two
CREATE UNIQUE INDEX two ON t (lower(b)) WHERE a > 0;
