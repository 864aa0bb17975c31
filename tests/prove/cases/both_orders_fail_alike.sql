-- verdict: not replayed
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: wrong
INSERT INTO t (b) VALUES (1);
-- 3: other
CREATE TABLE u (a int);
