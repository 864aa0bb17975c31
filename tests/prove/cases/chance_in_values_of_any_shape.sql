-- verdict: same
-- order: 1 3 2
-- not_compared: public.token.secret: 2 values differ
-- 1: tables
CREATE TABLE token (name text, secret text);
-- 2: ann
INSERT INTO token SELECT 'ann', encode(convert_to(string_agg(md5(random()::text), ''), 'UTF8'), 'base64') FROM generate_series(1, 4);
-- 3: eve
INSERT INTO token SELECT 'eve', replace(replace(md5(random()::text), 'a', '/'), '0', '=');
