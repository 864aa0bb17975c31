-- verdict: same
-- order: 1 3 2
-- 1: tables
CREATE TABLE t (a int);
CREATE TABLE u (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int;
-- 3: c
ALTER TABLE u ADD COLUMN b int;
