-- verdict: different
-- pair: 3 2
-- message: table public.made
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: setting
-- pgbraid: no-transaction
ALTER SYSTEM SET work_mem = '77MB';
SELECT pg_reload_conf();
SELECT pg_sleep(0.2);
-- 3: seen
DO $$ BEGIN
    IF current_setting('work_mem') = '77MB' THEN CREATE TABLE made (id int); END IF;
END $$;
