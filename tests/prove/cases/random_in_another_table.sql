-- verdict: different
-- pair: 4 3
-- message: comment on table public.u
-- order: 1 4 2 3
-- 1: tables
CREATE TABLE t (id uuid, name text);
CREATE TABLE u (a int);
-- 2: random
INSERT INTO t VALUES (gen_random_uuid(), 'a');
-- 3: one
COMMENT ON TABLE u IS 'one';
-- 4: other
INSERT INTO t VALUES (gen_random_uuid(), 'b');
COMMENT ON TABLE u IS 'other';
