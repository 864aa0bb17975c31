-- verdict: fails
-- pair: 3 2
-- message: fails unless 002_b has run
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
GRANT SELECT ON t TO role_of_others;
-- 2: b
ALTER TABLE t ADD b int;
-- 3: fill
UPDATE t SET b = 1;
