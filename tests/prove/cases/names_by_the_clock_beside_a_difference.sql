-- verdict: different
-- pair: 3 2
-- message: comment on table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: other
COMMENT ON TABLE t IS 'two';
-- 3: backup
DO $$ BEGIN
    EXECUTE 'CREATE TABLE t_backup_' || replace(extract(epoch FROM clock_timestamp())::text, '.', '_')
        || ' AS TABLE t';
END $$;
COMMENT ON TABLE t IS 'three';
