-- verdict: fails
-- pair: 3 2
-- message: missing data for column "c"
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b text);
-- 2: copy
COPY t FROM stdin;
1	x
\.
-- 3: column
ALTER TABLE t ADD COLUMN c int;
