-- verdict: enum order
-- pair: 3 2
-- message: public.mood
-- order: 1 3 2
-- 1: enum
CREATE TYPE mood AS ENUM ('good');
CREATE TABLE t (a int);
-- 2: bad
ALTER TYPE mood ADD VALUE 'bad';
ALTER TABLE t ADD COLUMN b int;
-- 3: ugly
ALTER TYPE mood ADD VALUE 'ugly';
ALTER TABLE t ADD COLUMN c int;
