-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE FUNCTION slug() RETURNS text LANGUAGE sql AS $$ SELECT 'new' $$;
CREATE TABLE t (name text, state text DEFAULT slug());
INSERT INTO t VALUES ('a'), ('b');
-- 2: open
UPDATE t SET state = 'open' WHERE state = 'new';
-- 3: closed
UPDATE t SET state = 'closed' WHERE state = 'new';
