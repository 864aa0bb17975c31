-- verdict: fails
-- pair: 3 2
-- message: and in the other order
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: row
INSERT INTO t (a) VALUES (1);
-- 3: column
ALTER TABLE t ADD COLUMN c int NOT NULL;
