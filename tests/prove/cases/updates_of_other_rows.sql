-- verdict: same
-- order: 1 3 2
-- 1: seed
CREATE TABLE plan (name text PRIMARY KEY, price int);
INSERT INTO plan VALUES ('small', 1), ('large', 10);
-- 2: small
UPDATE plan SET price = 2 WHERE name = 'small';
-- 3: large
UPDATE plan SET price = 20 WHERE name = 'large';
