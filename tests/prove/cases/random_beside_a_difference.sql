-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id uuid, name text);
-- 2: a
INSERT INTO t VALUES (gen_random_uuid(), 'a');
-- 3: shout
UPDATE t SET name = upper(name);
