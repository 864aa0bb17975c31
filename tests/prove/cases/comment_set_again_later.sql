-- verdict: same
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int);
-- 2: one
COMMENT ON TABLE t IS 'one';
-- 3: other
COMMENT ON TABLE t IS 'other';
-- 4: last
COMMENT ON TABLE t IS 'last';
