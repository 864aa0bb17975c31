-- verdict: enum order
-- pair: 3 2
-- message: public.mood
-- order: 1 3 2
-- 1: enum
CREATE TYPE mood AS ENUM ('good', 'ugly');
-- 2: bad
ALTER TYPE mood ADD VALUE 'bad' AFTER 'good';
-- 3: worse
ALTER TYPE mood ADD VALUE 'worse' AFTER 'good';
