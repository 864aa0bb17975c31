-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b int);
-- 2: one
COMMENT ON COLUMN t.a IS 'one';
COMMENT ON SCHEMA public IS 'ours';
-- 3: other
COMMENT ON COLUMN t.b IS 'other';
COMMENT ON TABLE t IS 'both';
