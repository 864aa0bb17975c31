-- verdict: same
-- order: 1 3 2
-- not_compared: its name differs between two replays
-- 1: table
CREATE TABLE t (id int);
-- 2: other
CREATE TABLE a (id int);
-- 3: backup
DO $$ BEGIN
    EXECUTE 'CREATE TABLE t_backup_' || replace(extract(epoch FROM clock_timestamp())::text, '.', '_')
        || ' AS TABLE t';
END $$;
