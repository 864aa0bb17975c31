-- verdict: same
-- order: 1 3 2
-- not_compared: public.kv.value: a part of 1 value differs
-- 1: table
CREATE TABLE kv (key text, value text);
INSERT INTO kv VALUES ('plan', 'none');
-- 2: free
UPDATE kv SET value = 'free' WHERE key = 'plan';
-- 3: installed
INSERT INTO kv VALUES ('installed_at', clock_timestamp()::text);
