-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE FUNCTION slug() RETURNS text LANGUAGE sql AS $$ SELECT 'new' $$;
CREATE TABLE t (name text, state text DEFAULT slug());
-- 2: replaced
CREATE OR REPLACE FUNCTION slug() RETURNS text LANGUAGE sql AS $$ SELECT 'fresh' $$;
-- 3: row
INSERT INTO t VALUES ('a');
