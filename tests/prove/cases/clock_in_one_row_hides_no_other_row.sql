-- verdict: different
-- pair: 3 2
-- message: rows of table public.kv
-- order: 1 3 2
-- 1: table
CREATE TABLE kv (key text, value text);
INSERT INTO kv VALUES ('plan', 'none');
-- 2: free
UPDATE kv SET value = 'free' WHERE key = 'plan';
-- 3: paid
INSERT INTO kv VALUES ('installed_at', clock_timestamp()::text);
UPDATE kv SET value = 'paid' WHERE key = 'plan';
