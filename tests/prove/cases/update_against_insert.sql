-- verdict: different
-- pair: 3 2
-- message: rows of table public.plan
-- order: 1 3 2
-- 1: seed
CREATE TABLE plan (name text PRIMARY KEY, price int);
INSERT INTO plan VALUES ('small', 1);
-- 2: dearer
UPDATE plan SET price = price * 2;
-- 3: large
INSERT INTO plan VALUES ('large', 10);
