-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: origin
SELECT pg_replication_origin_create('pgbraid_case_origin');
-- 3: other
CREATE TABLE u (id int);
