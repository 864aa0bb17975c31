-- verdict: different
-- pair: 3 2
-- message: policy p on public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: positive
DROP POLICY IF EXISTS p ON t;
CREATE POLICY p ON t USING (a > 0);
-- 3: negative
DROP POLICY IF EXISTS p ON t;
CREATE POLICY p ON t USING (a < 0) WITH CHECK (a < -1);
