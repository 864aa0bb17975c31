-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: one
CREATE TEMPORARY TABLE work (a int);
INSERT INTO work VALUES (1);
INSERT INTO t SELECT a FROM work;
-- 3: two
CREATE TEMPORARY TABLE work (a int);
INSERT INTO work VALUES (2);
INSERT INTO t SELECT a FROM work;
