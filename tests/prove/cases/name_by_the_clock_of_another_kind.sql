-- verdict: different
-- pair: 3 2
-- message: added
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: column
ALTER TABLE t ADD added int;
-- 3: backup
DO $$ BEGIN
    EXECUTE 'CREATE TABLE t_backup_' || replace(extract(epoch FROM clock_timestamp())::text, '.', '_')
        || ' AS TABLE t';
END $$;
