-- verdict: same
-- order: 1 3 2
-- not_compared: public.account.id: generated
-- 1: tables
CREATE TABLE account (id bigserial, name text, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE account_0 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE account_1 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE payment (account bigint REFERENCES account, cents int);
-- 2: bob
WITH made AS (INSERT INTO account (name) VALUES ('bob') RETURNING id)
INSERT INTO payment SELECT id, 2 FROM made;
-- 3: eve
WITH made AS (INSERT INTO account (name) VALUES ('eve') RETURNING id)
INSERT INTO payment SELECT id, 3 FROM made;
