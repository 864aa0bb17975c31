-- verdict: same
-- order: 1 3 2
-- 1: enum
CREATE TYPE mood AS ENUM ('good', 'ugly');
-- 2: first
ALTER TYPE mood ADD VALUE 'best' BEFORE 'good';
-- 3: last
ALTER TYPE mood ADD VALUE 'ugliest' AFTER 'ugly';
