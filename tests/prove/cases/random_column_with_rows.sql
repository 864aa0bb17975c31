-- verdict: same
-- order: 1 3 2
-- not_compared: public.t.token: 1 value differs
-- 1: table
CREATE TABLE t (name text);
-- 2: row
INSERT INTO t (name) VALUES ('a');
-- 3: column
ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid();
