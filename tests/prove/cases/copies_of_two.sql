-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b text);
-- 2: some
COPY t FROM stdin;
1	x
\.
-- 3: others
COPY t (b, a) FROM stdin;
y	2
\.
COMMENT ON TABLE t IS 'filled';
