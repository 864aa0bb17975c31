-- verdict: same
-- order: 1 3 2
-- 1: role
CREATE ROLE pgbraid_case_commented;
-- 2: comment
COMMENT ON ROLE pgbraid_case_commented IS 'two';
-- 3: other
CREATE TABLE u (id int);
