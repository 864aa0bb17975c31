-- verdict: different
-- pair: 3 2
-- message: next value of sequence public.t_id_seq
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id serial PRIMARY KEY, name text);
-- 2: rows
INSERT INTO t (id, name) VALUES (1, 'a'), (2, 'b');
-- 3: sequence
SELECT setval('t_id_seq', coalesce(max(id), 0) + 1, false) FROM t;
