-- verdict: different
-- pair: 4 3
-- message: rows of table public.t
-- order: 1 2 4 3
-- 1: enum
CREATE TYPE mood AS ENUM ('good');
CREATE TABLE t (m mood);
-- 2: value
ALTER TYPE mood ADD VALUE 'bad';
-- 3: all_bad
UPDATE t SET m = 'bad';
-- 4: row
INSERT INTO t VALUES ('good');
