-- verdict: different
-- pair: 3 2
-- message: rows of table public.code
-- order: 1 3 2
-- 1: tables
CREATE TABLE role (name text);
CREATE FUNCTION make_code() RETURNS text LANGUAGE sql AS $$ SELECT 'C' || (SELECT count(*) FROM role) $$;
CREATE TABLE code (code text UNIQUE DEFAULT make_code(), what text);
-- 2: role
INSERT INTO role VALUES ('admin');
-- 3: code
INSERT INTO code (what) VALUES ('first');
