-- verdict: same
-- order: 1 3 2
-- 1: sequence
CREATE SEQUENCE s;
-- 2: next
SELECT nextval('s');
-- 3: set
SELECT setval('s', 10);
