-- verdict: different
-- pair: 3 2
-- message: rows of table public.account
-- order: 1 3 2
-- 1: tables
CREATE TABLE account (id uuid DEFAULT gen_random_uuid(), name text, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE account_0 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE account_1 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- 2: bob
INSERT INTO account (name) VALUES ('bob');
-- 3: copies
INSERT INTO account (name) SELECT 'copy of ' || name FROM account;
INSERT INTO account (name) VALUES ('eve');
