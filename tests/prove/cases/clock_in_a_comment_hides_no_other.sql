-- verdict: different
-- pair: 3 2
-- message: comment on table public.u
-- order: 1 3 2
-- 1: tables
CREATE TABLE t (a int);
CREATE TABLE u (a int);
-- 2: one
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE t IS %L', clock_timestamp()); END $$;
COMMENT ON TABLE u IS 'one';
-- 3: other
COMMENT ON TABLE u IS 'other';
