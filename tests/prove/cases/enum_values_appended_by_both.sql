-- verdict: enum order
-- pair: 3 2
-- message: leaves the values of type public.mood in another order
-- order: 1 3 2
-- 1: enum
CREATE TYPE mood AS ENUM ('good');
-- 2: bad
ALTER TYPE mood ADD VALUE 'bad';
-- 3: ugly
ALTER TYPE mood ADD VALUE 'ugly';
