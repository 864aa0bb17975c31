-- verdict: same
-- order: 1 3 2
-- not_compared: public.t.id: 2 values differ
-- 1: table
CREATE TABLE t (id uuid, name text);
-- 2: a
INSERT INTO t VALUES (gen_random_uuid(), 'a');
-- 3: b
INSERT INTO t VALUES (gen_random_uuid(), 'b');
