-- verdict: same
-- order: 1 3 2
-- not_compared: public.t.at: 2 values differ
-- 1: table
CREATE TABLE t (name text, at timestamptz);
-- 2: a
INSERT INTO t VALUES ('a', now());
-- 3: b
INSERT INTO t VALUES ('b', clock_timestamp());
