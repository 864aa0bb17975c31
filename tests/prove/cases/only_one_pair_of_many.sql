-- verdict: different
-- pair: 6 3
-- message: comment on table public.t
-- order: 1 5 6 2 3 4
-- 1: tables
CREATE TABLE t (a int);
CREATE TABLE u (a int);
-- 2: index
CREATE INDEX i ON u (a);
-- 3: comment
COMMENT ON TABLE t IS 'three';
-- 4: another
CREATE TABLE w (a int);
-- 5: view
CREATE VIEW v AS SELECT a FROM u;
-- 6: comment
COMMENT ON TABLE t IS 'six';
CREATE INDEX j ON u (a);
