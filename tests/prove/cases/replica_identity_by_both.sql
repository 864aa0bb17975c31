-- verdict: different
-- pair: 3 2
-- message: public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int NOT NULL CONSTRAINT t_key UNIQUE);
-- 2: full
ALTER TABLE t REPLICA IDENTITY FULL;
-- 3: index
ALTER TABLE t REPLICA IDENTITY USING INDEX t_key;
