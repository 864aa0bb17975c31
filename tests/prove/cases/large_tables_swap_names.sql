-- verdict: different
-- pair: 3 2
-- message: rows of table public.
-- order: 1 3 2
-- 1: tables
CREATE TABLE a AS SELECT n FROM generate_series(1, 300000) AS n;
CREATE TABLE b AS SELECT -n AS n FROM generate_series(1, 300000) AS n;
CREATE TABLE flag (n int);
-- 2: swapped
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM flag) THEN
        ALTER TABLE a RENAME TO c;
        ALTER TABLE b RENAME TO a;
        ALTER TABLE c RENAME TO b;
    END IF;
END $$;
-- 3: flag
INSERT INTO flag VALUES (1);
