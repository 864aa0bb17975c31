-- verdict: different
-- pair: 3 2
-- message: public.u
-- order: 1 3 2
-- 1: publication
CREATE TABLE t (a int);
CREATE PUBLICATION p FOR TABLE t;
-- 2: each_table
DO $$
DECLARE
    r regclass;
BEGIN
    FOR r IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relname IN ('t', 'u')
                AND oid NOT IN (SELECT prrelid FROM pg_publication_rel) LOOP
        EXECUTE format('ALTER PUBLICATION p ADD TABLE %s', r);
    END LOOP;
END $$;
-- 3: table
CREATE TABLE u (a int);
