-- verdict: same
-- order: 1 3 2
-- 1: roles
CREATE ROLE pgbraid_case_reader;
CREATE ROLE pgbraid_case_writer;
CREATE TABLE t (a int);
CREATE SCHEMA app;
-- 2: reader
GRANT SELECT ON t TO pgbraid_case_reader;
GRANT USAGE ON SCHEMA app TO pgbraid_case_reader;
GRANT SELECT (a) ON t TO pgbraid_case_reader;
-- 3: writer
GRANT INSERT, SELECT ON t TO pgbraid_case_writer;
GRANT USAGE ON SCHEMA app TO pgbraid_case_writer;
GRANT SELECT (a) ON t TO pgbraid_case_writer;
