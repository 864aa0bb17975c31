-- verdict: different
-- pair: 3 2
-- message: public.u.a
-- order: 1 3 2
-- 1: tables
CREATE TABLE t (a text);
CREATE TABLE u (a int);
-- 2: one
DO $$ BEGIN
    EXECUTE format('ALTER TABLE t ALTER COLUMN a SET DEFAULT %L', gen_random_uuid());
END $$;
ALTER TABLE u ALTER COLUMN a SET DEFAULT 1;
-- 3: other
ALTER TABLE u ALTER COLUMN a SET DEFAULT 2;
