-- verdict: same
-- order: 1 3 2
-- not_compared: public.account.id: 
-- 1: tables
CREATE TABLE account (id uuid DEFAULT gen_random_uuid(), name text, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE account_0 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE account_1 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE payment (account uuid REFERENCES account, cents int);
INSERT INTO account (name) SELECT 'a' || n FROM generate_series(1, 6) AS n;
-- 2: bob
WITH made AS (INSERT INTO account (name) VALUES ('bob') RETURNING id)
INSERT INTO payment SELECT id, 2 FROM made;
-- 3: eve
WITH made AS (INSERT INTO account (name) VALUES ('eve') RETURNING id)
INSERT INTO payment SELECT id, 3 FROM made;
