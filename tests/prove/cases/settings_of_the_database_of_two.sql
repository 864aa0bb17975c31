-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: memory
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database());
END $$;
-- 3: timeout
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = 0',
                   current_database());
END $$;
