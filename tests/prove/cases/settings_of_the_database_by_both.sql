-- verdict: different
-- pair: 3 2
-- message: database
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: path
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database());
END $$;
-- 3: other
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET work_mem = ''9MB''', current_database());
END $$;
