-- verdict: different
-- pair: 3 2
-- message: t_a_check
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: positive
ALTER TABLE t ADD CHECK (a > 0);
-- 3: small
ALTER TABLE t ADD CHECK (a < 10);
