-- verdict: different
-- pair: 3 2
-- message: column public.u.made_by
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: column_in_each_table
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT relname FROM pg_class WHERE relname IN ('t', 'u') AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN made_by text', r.relname);
    END LOOP;
END $$;
-- 3: another_table
CREATE TABLE u (a int);
