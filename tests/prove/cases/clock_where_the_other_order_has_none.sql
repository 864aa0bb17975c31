-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, at timestamp);
-- 2: nothing
UPDATE t SET at = NULL;
-- 3: row
INSERT INTO t VALUES (1, clock_timestamp());
