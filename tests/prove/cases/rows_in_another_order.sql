-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b text);
-- 2: some
INSERT INTO t VALUES (1, 'x'), (2, 'y'), (2, 'y');
-- 3: others
INSERT INTO t VALUES (3, 'z'), (1, NULL);
