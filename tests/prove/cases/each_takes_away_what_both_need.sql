-- verdict: fails
-- order: 1 3 2
-- pair: 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: drop
DROP TABLE t;
-- 3: drop_again
DROP TABLE t;
