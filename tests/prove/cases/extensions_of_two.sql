-- verdict: same
-- needs: hstore
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA ext;
-- 2: hstore
CREATE EXTENSION hstore SCHEMA ext;
CREATE TABLE t (a ext.hstore);
-- 3: again
CREATE TABLE u (a int);
CREATE INDEX ON u (a);
COMMENT ON TABLE u IS 'other';
