-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: grant
-- the DBA has run CREATE ROLE role_of_a_comment beforehand
GRANT SELECT ON t TO role_of_a_comment;
-- 3: other
CREATE TABLE u (id int);
