-- What changes nothing that counts: a snapshot must be the same before and after.

--# analyze
ANALYZE;
--# vacuum full
VACUUM FULL app.people;
--# reindex
REINDEX TABLE app.people;
--# table filled and emptied | facet sequence values
INSERT INTO app.notes (body) VALUES ('x'); DELETE FROM app.notes; SELECT setval('app.notes_id_seq', 1, false);
--# column added and dropped
ALTER TABLE app.points ADD z text; ALTER TABLE app.points DROP z;
--# column added with a default and dropped
ALTER TABLE app.points ADD z text DEFAULT 'q'; ALTER TABLE app.points DROP z;
--# index dropped and made anew
DROP INDEX app.people_name; CREATE INDEX people_name ON app.people (name);
--# index added and dropped
CREATE INDEX i ON app.loner (legs); DROP INDEX app.i;
--# view made anew
DROP VIEW app.names; CREATE VIEW app.names AS SELECT name FROM app.adults;
--# function made anew
DROP FUNCTION app.many(int);
CREATE FUNCTION app.many(n int) RETURNS SETOF int LANGUAGE sql STABLE ROWS 100 AS 'SELECT generate_series(1, n)';
--# trigger made anew
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch BEFORE UPDATE ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch('x');
--# foreign key made anew
ALTER TABLE app.people DROP CONSTRAINT people_kind_fkey;
ALTER TABLE app.people ADD CONSTRAINT people_kind_fkey FOREIGN KEY (kind) REFERENCES app.kinds (code);
--# policy made anew
DROP POLICY mine ON app.notes; CREATE POLICY mine ON app.notes FOR SELECT TO role_a USING (person > 0);
--# statistics made anew
DROP STATISTICS app.people_stats;
CREATE STATISTICS app.people_stats (ndistinct, dependencies) ON name, email FROM app.people;
--# publication made anew, its tables in another order
DROP PUBLICATION fuzz_pub; CREATE PUBLICATION fuzz_pub FOR TABLE app.notes, app.kinds;
--# enum made anew, its values in parts
-- before
CREATE TYPE app.level AS ENUM ('low', 'mid', 'high');
-- then
DROP TYPE app.level; CREATE TYPE app.level AS ENUM ('low', 'high'); ALTER TYPE app.level ADD VALUE 'mid' BEFORE 'high';
--# policy's roles in another order
-- before
ALTER POLICY mine ON app.notes TO role_a, role_b;
-- then
ALTER POLICY mine ON app.notes TO role_b, role_a;
--# grant and revoke on a table
GRANT SELECT ON app.points TO role_b; REVOKE SELECT ON app.points FROM role_b;
--# grant and revoke on a column
GRANT SELECT (x) ON app.points TO role_b; REVOKE SELECT (x) ON app.points FROM role_b;
--# grant and revoke on a function
REVOKE EXECUTE ON FUNCTION app.add(int, int) FROM PUBLIC; GRANT EXECUTE ON FUNCTION app.add(int, int) TO PUBLIC;
--# grant and revoke on a schema
GRANT CREATE ON SCHEMA other TO role_b; REVOKE CREATE ON SCHEMA other FROM role_b;
--# grant and revoke on a type
GRANT USAGE ON TYPE app.mood TO role_b; REVOKE USAGE ON TYPE app.mood FROM role_b;
--# grant and revoke on the server's function
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO role_b;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) FROM role_b;
--# grant and revoke on the server's function that had no privileges of its own
GRANT EXECUTE ON FUNCTION pg_catalog.pi() TO role_b; REVOKE EXECUTE ON FUNCTION pg_catalog.pi() FROM role_b;
--# grant and revoke on an extension's function | with citext
-- before
CREATE EXTENSION citext;
-- then
GRANT EXECUTE ON FUNCTION citext_hash(citext) TO role_b; REVOKE EXECUTE ON FUNCTION citext_hash(citext) FROM role_b;
--# default privileges given and taken
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO role_b; ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM role_b;
--# comment set to what it was
COMMENT ON TABLE app.people IS NULL; COMMENT ON TABLE app.people IS 'all of them';
--# owner there and back
ALTER TABLE app.points OWNER TO role_a; ALTER TABLE app.points OWNER TO CURRENT_USER;
--# renamed there and back
ALTER TABLE app.points RENAME TO p; ALTER TABLE app.p RENAME TO points;
--# table option set and reset
ALTER TABLE app.points SET (fillfactor = 70); ALTER TABLE app.points RESET (fillfactor);
--# table options in another order
-- before
ALTER TABLE app.points SET (fillfactor = 70); ALTER TABLE app.points SET (parallel_workers = 2);
-- then
ALTER TABLE app.points RESET (fillfactor); ALTER TABLE app.points SET (fillfactor = 70);
--# function settings in another order
-- before
ALTER FUNCTION app.add(int, int) SET work_mem = '1MB'; ALTER FUNCTION app.add(int, int) SET jit = off;
-- then
ALTER FUNCTION app.add(int, int) RESET work_mem; ALTER FUNCTION app.add(int, int) SET work_mem = '1MB';
--# server options in another order
-- before
ALTER SERVER fuzz_server OPTIONS (ADD port '1');
-- then
ALTER SERVER fuzz_server OPTIONS (DROP host); ALTER SERVER fuzz_server OPTIONS (ADD host 'h1');
--# user mapping options in another order
ALTER USER MAPPING FOR role_a SERVER fuzz_server OPTIONS (DROP usr);
ALTER USER MAPPING FOR role_a SERVER fuzz_server OPTIONS (ADD usr 'u');
--# foreign table options in another order
-- before
ALTER FOREIGN TABLE app.remote OPTIONS (ADD more '1');
-- then
ALTER FOREIGN TABLE app.remote OPTIONS (DROP tab); ALTER FOREIGN TABLE app.remote OPTIONS (ADD tab 't');
--# column options in another order
-- before
ALTER TABLE app.notes ALTER body SET (n_distinct = 5); ALTER TABLE app.notes ALTER body SET (n_distinct_inherited = 6);
-- then
ALTER TABLE app.notes ALTER body RESET (n_distinct); ALTER TABLE app.notes ALTER body SET (n_distinct = 5);
--# operator class made anew
DROP OPERATOR CLASS app.numbers_ops USING btree;
CREATE OPERATOR CLASS app.numbers_ops FOR TYPE int USING btree FAMILY app.numbers AS FUNCTION 1 app.cmp(int, int),
  OPERATOR 5 >, OPERATOR 4 >=, OPERATOR 3 =, OPERATOR 2 <=, OPERATOR 1 <;
--# row level security there and back
ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY; ALTER TABLE app.notes DISABLE ROW LEVEL SECURITY;
--# unlogged there and back
ALTER TABLE app.loner SET UNLOGGED; ALTER TABLE app.loner SET LOGGED;
--# statistics target there and back
ALTER TABLE app.notes ALTER body SET STATISTICS 500; ALTER TABLE app.notes ALTER body SET STATISTICS -1;
--# rows in another order
-- before
CREATE TABLE app.dup (x int, y text); INSERT INTO app.dup VALUES (1, 'a'), (2, 'b');
-- then
TRUNCATE app.dup; INSERT INTO app.dup VALUES (2, 'b'), (1, 'a');
--# row updated to what it was
UPDATE app.kinds SET label = label;
--# temporary table
CREATE TEMPORARY TABLE t (x int); INSERT INTO t VALUES (1);
--# temporary table with all that one can have
CREATE TEMPORARY TABLE t (x serial PRIMARY KEY, y int DEFAULT 5 CHECK (y > 0), z int REFERENCES t);
CREATE INDEX i ON t (y); GRANT SELECT ON t TO role_b;
COMMENT ON TABLE t IS 'c'; COMMENT ON COLUMN t.y IS 'c'; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (true); CREATE RULE r AS ON DELETE TO t DO ALSO NOTHING;
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION app.touch();
--# temporary view, sequence, type and function
CREATE TEMPORARY VIEW v AS SELECT 1; CREATE TEMPORARY SEQUENCE q; CREATE TYPE pg_temp.e AS ENUM ('a');
CREATE DOMAIN pg_temp.d AS int CHECK (VALUE > 0); CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
--# temporary partitioned table
CREATE TEMPORARY TABLE t (x int) PARTITION BY LIST (x); CREATE TEMPORARY TABLE t1 PARTITION OF t FOR VALUES IN (1);
CREATE INDEX ON t (x);
--# column default of null
ALTER TABLE app.pairs ALTER c SET DEFAULT NULL::int;
--# large object put in two pieces
SELECT lo_unlink(424242); SELECT lo_create(424242); SELECT lo_put(424242, 0, 'some '); SELECT lo_put(424242, 5, 'bytes');
--# sequence owned there and back
ALTER SEQUENCE app.loose OWNED BY app.pairs.a; ALTER SEQUENCE app.loose OWNED BY NONE;
--# trigger disabled and enabled
ALTER TABLE app.people DISABLE TRIGGER ALL; ALTER TABLE app.people ENABLE TRIGGER ALL;
--# child without its parent and with it again
ALTER TABLE app.loner INHERIT app.animal; ALTER TABLE app.loner NO INHERIT app.animal;
--# partition detached and attached
ALTER TABLE app.events DETACH PARTITION app.events_25;
ALTER TABLE app.events ATTACH PARTITION app.events_25 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
--# moved there and back
ALTER TABLE app.points SET SCHEMA spare; ALTER TABLE spare.points SET SCHEMA app;
--# setting of the database set and reset
ALTER DATABASE this_database SET work_mem = '5MB'; ALTER DATABASE this_database RESET work_mem;
--# partition made anew
DROP TABLE app.events_25;
CREATE TABLE app.events_25 PARTITION OF app.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
--# large object made anew under another number
SELECT lo_unlink(424242); SELECT lo_create(99001); SELECT lo_put(99001, 0, 'some bytes');
--# schema public created anew with what it had | since 15
DROP SCHEMA public; CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'standard public schema';
--# extension made anew | with citext
-- before
CREATE EXTENSION citext; ALTER TABLE app.loner ADD n citext;
-- then
ALTER TABLE app.loner DROP n; DROP EXTENSION citext; CREATE EXTENSION citext; ALTER TABLE app.loner ADD n citext;
--# options of a dictionary set in another order
-- before
CREATE TEXT SEARCH DICTIONARY app.snow (TEMPLATE = snowball, Language = english, StopWords = english);
-- then
ALTER TEXT SEARCH DICTIONARY app.snow (StopWords = english, Language = english);
