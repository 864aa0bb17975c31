-- verdict: fails
-- pair: 3 2
-- message: duplicate key
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int PRIMARY KEY, b text);
-- 2: x
INSERT INTO t VALUES (1, 'x') ON CONFLICT DO NOTHING;
-- 3: y
INSERT INTO t VALUES (1, 'y');
