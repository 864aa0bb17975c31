-- verdict: same
-- order: 1 3 2
-- 1: enums
CREATE TYPE mood AS ENUM ('good');
CREATE TYPE taste AS ENUM ('sweet');
-- 2: bad
ALTER TYPE mood ADD VALUE 'bad';
-- 3: sour
ALTER TYPE taste ADD VALUE 'sour';
