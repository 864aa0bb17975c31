-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b text);
-- 2: update
UPDATE t SET b = upper(b);
-- 3: copy
COPY t (a, b) FROM stdin;
1	x
2	\N
\.
