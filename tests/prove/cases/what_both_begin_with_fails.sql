-- verdict: not replayed
-- order: 1 3 2
-- 1: wrong
SELECT 1 / 0;
-- 2: table
CREATE TABLE t (a int);
-- 3: other
CREATE TABLE u (a int);
