-- verdict: different
-- pair: 3 2
-- message: rows of table public.payment
-- order: 1 3 2
-- 1: tables
CREATE TABLE account (id bigserial, name text, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE account_0 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE account_1 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE payment (account bigint REFERENCES account, cents int);
-- 2: bob
INSERT INTO account (name) VALUES ('bob');
INSERT INTO payment VALUES (1, 2);
-- 3: eve
INSERT INTO account (name) VALUES ('eve');
