-- verdict: same
-- order: 1 3 2
-- 1: tables
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE PUBLICATION p;
-- 2: t
ALTER PUBLICATION p ADD TABLE t;
-- 3: u
ALTER PUBLICATION p ADD TABLE u;
