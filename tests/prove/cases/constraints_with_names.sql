-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: positive
ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0);
ALTER TABLE t ADD CONSTRAINT a_key UNIQUE (a);
-- 3: small
ALTER TABLE t ADD CONSTRAINT small CHECK (a < b);
ALTER TABLE t ADD CONSTRAINT b_key UNIQUE (b, a);
