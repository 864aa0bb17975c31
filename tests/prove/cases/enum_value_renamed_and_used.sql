-- verdict: fails
-- pair: 3 2
-- message: invalid input value for enum
-- order: 1 3 2
-- 1: enum
CREATE TYPE mood AS ENUM ('good', 'bad');
-- 2: default
CREATE TABLE t (m mood DEFAULT 'bad');
-- 3: rename
ALTER TYPE mood RENAME VALUE 'bad' TO 'sad';
