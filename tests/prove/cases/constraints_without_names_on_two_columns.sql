-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: on_a
ALTER TABLE t ADD UNIQUE (a), ALTER COLUMN a SET NOT NULL;
-- 3: on_b
ALTER TABLE t ADD UNIQUE (b), ALTER COLUMN b SET NOT NULL;
