-- verdict: fails
-- pair: 3 2
-- message: 003_big fails after 002_generated
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: generated
ALTER TABLE t ADD COLUMN double bigint GENERATED ALWAYS AS (a * 2) STORED;
-- 3: big
ALTER TABLE t ALTER COLUMN a TYPE bigint;
