-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a text);
-- 2: storage
ALTER TABLE t ALTER COLUMN a SET STORAGE EXTERNAL, ALTER COLUMN a SET (n_distinct = 5);
-- 3: statistics
ALTER TABLE t ALTER COLUMN a SET STATISTICS 500, ALTER COLUMN a SET (n_distinct_inherited = 7);
