-- verdict: fails
-- pair: 3 2
-- message: 003_row fails unless 002_value has run
-- order: 1 3 2
-- 1: enum
CREATE TYPE mood AS ENUM ('good');
CREATE TABLE t (m mood);
-- 2: value
ALTER TYPE mood ADD VALUE 'bad';
-- 3: row
INSERT INTO t VALUES ('bad');
