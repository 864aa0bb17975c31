-- verdict: same
-- order: 1 3 2
-- not_compared: comment on table public.t: a part of it differs
-- 1: table
CREATE TABLE t (a int);
-- 2: comment
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE t IS %L', clock_timestamp()); END $$;
-- 3: table
CREATE TABLE u (a int);
