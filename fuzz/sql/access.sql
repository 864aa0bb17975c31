-- Mutations of privileges, owners, comments, replication, foreign data, rows and settings.

--# grant on a table | says relacl
GRANT INSERT ON app.points TO role_b;
--# grant on a table with grant option | says relacl
GRANT SELECT ON app.people TO role_a WITH GRANT OPTION;
--# grant on a table by another | says relacl
-- before
GRANT SELECT ON app.points TO role_a WITH GRANT OPTION; GRANT SELECT ON app.points TO role_b;
-- then
REVOKE SELECT ON app.points FROM role_b; SET ROLE role_a; GRANT SELECT ON app.points TO role_b; RESET ROLE;
--# grant on a table to everybody | says relacl
GRANT SELECT ON app.points TO PUBLIC;
--# grant maintain | since 17 | says relacl
GRANT MAINTAIN ON app.points TO role_a;
--# revoke on a table from its owner | says relacl
REVOKE DELETE ON app.points FROM CURRENT_USER;
--# grant on a column | says attacl
GRANT SELECT (x) ON app.points TO role_b;
--# grant on a column with grant option | says attacl
-- before
GRANT SELECT (x) ON app.points TO role_b;
-- then
GRANT SELECT (x) ON app.points TO role_b WITH GRANT OPTION;
--# grant on a view | says relacl
GRANT SELECT ON app.names TO role_b;
--# grant on a matview | says relacl
GRANT SELECT ON app.stats TO role_b;
--# grant on a function | says proacl
GRANT EXECUTE ON FUNCTION app.add(int, int) TO role_b;
--# revoke on a function from everybody | says proacl
REVOKE EXECUTE ON FUNCTION app.add(int, int) FROM PUBLIC;
--# grant on a procedure | says proacl
GRANT EXECUTE ON PROCEDURE app.act(int) TO role_b;
--# revoke on an aggregate | says proacl
REVOKE EXECUTE ON FUNCTION app.total(int) FROM PUBLIC;
--# grant on a schema | says nspacl
GRANT CREATE ON SCHEMA app TO role_b;
--# revoke on a schema | says nspacl
REVOKE USAGE ON SCHEMA app FROM role_a;
--# grant on a sequence | says relacl
GRANT USAGE ON SEQUENCE app.loose TO role_b;
--# revoke on a type | says typacl
REVOKE USAGE ON TYPE app.mood FROM PUBLIC;
--# grant on a domain | says typacl
GRANT USAGE ON DOMAIN app.positive TO role_b;
--# grant on a language | says plpgsql
GRANT USAGE ON LANGUAGE plpgsql TO role_b;
--# revoke on a language | says language
REVOKE USAGE ON LANGUAGE sql FROM PUBLIC;
--# grant on a wrapper | says fdwacl
GRANT USAGE ON FOREIGN DATA WRAPPER fuzz_wrapper TO role_b;
--# grant on a server | says srvacl
GRANT USAGE ON FOREIGN SERVER fuzz_server TO role_b;
--# grant on a foreign table | says relacl
GRANT SELECT ON app.remote TO role_b;
--# grant on a large object | says large object
GRANT SELECT ON LARGE OBJECT 424242 TO role_b;
--# grant on the server's function | says pg_ls_dir
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO role_b;
--# revoke on the server's function | says pi
REVOKE EXECUTE ON FUNCTION pg_catalog.pi() FROM PUBLIC;
--# revoke on the server's table | says pg_proc
REVOKE SELECT ON pg_catalog.pg_proc FROM PUBLIC;
GRANT SELECT ON pg_catalog.pg_proc TO role_a;
--# revoke on the server's table, nothing else | says pg_settings
REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC;
--# revoke all on the server's table | says pg_opclass
REVOKE SELECT ON pg_catalog.pg_opclass FROM PUBLIC;
--# grant on the server's column | says pg_authid
GRANT SELECT (rolname) ON pg_catalog.pg_authid TO role_b;
--# grant on the server's schema | says information_schema
GRANT CREATE ON SCHEMA information_schema TO role_b;
--# revoke on the server's type | says type
REVOKE USAGE ON TYPE pg_catalog.int4 FROM PUBLIC;
--# revoke on the information schema | says information_schema
REVOKE SELECT ON information_schema.tables FROM PUBLIC;
--# grant on an extension's function | with citext | says citext_hash
-- before
CREATE EXTENSION citext;
-- then
REVOKE EXECUTE ON FUNCTION citext_hash(citext) FROM PUBLIC;
--# grant on an extension's type | with citext | says citext
-- before
CREATE EXTENSION citext;
-- then
REVOKE USAGE ON TYPE citext FROM PUBLIC;
--# grant on an extension's wrapper | with file_fdw | says file_fdw
-- before
CREATE EXTENSION file_fdw;
-- then
GRANT USAGE ON FOREIGN DATA WRAPPER file_fdw TO role_b;
--# default privileges everywhere | says defaclacl
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO role_b;
--# default privileges revoked everywhere | says defaclacl
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
--# default privileges in a schema | says defaclacl
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT INSERT ON TABLES TO role_b;
--# default privileges of a role | says defaclacl
ALTER DEFAULT PRIVILEGES FOR ROLE role_b GRANT USAGE ON SEQUENCES TO role_a;
--# default privileges of types | says defaclacl
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
--# default privileges of schemas | says defaclacl
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO role_a;
--# default privileges gone | says default
ALTER DEFAULT PRIVILEGES IN SCHEMA spare REVOKE SELECT ON TABLES FROM role_a;

--# owner of a matview | says relowner
ALTER MATERIALIZED VIEW app.stats OWNER TO role_a;
--# owner of a sequence | says relowner
ALTER SEQUENCE app.loose OWNER TO role_a;
--# owner of a foreign table | says relowner
ALTER FOREIGN TABLE app.remote OWNER TO role_a;
--# owner of a procedure | says proowner
ALTER PROCEDURE app.act(int) OWNER TO role_a;
--# owner of an aggregate | says proowner
ALTER AGGREGATE app.total(int) OWNER TO role_a;
--# owner of an operator class | says opcowner
ALTER OPERATOR CLASS app.numbers_ops USING btree OWNER TO role_a;
--# owner of a conversion | says conowner
ALTER CONVERSION app.conv OWNER TO role_a;
--# owner of a dictionary | says dictowner
ALTER TEXT SEARCH DICTIONARY app.words OWNER TO role_a;
--# owner of a configuration | says cfgowner
ALTER TEXT SEARCH CONFIGURATION app.search OWNER TO role_a;
--# owner of a server | says srvowner
GRANT USAGE ON FOREIGN DATA WRAPPER fuzz_wrapper TO role_a; ALTER SERVER fuzz_server OWNER TO role_a;
--# owner of a publication | says pubowner
GRANT CREATE ON DATABASE this_database TO role_a; ALTER PUBLICATION fuzz_pub OWNER TO role_a;
--# owner of a language | says lanowner
-- before
CREATE LANGUAGE fuzz_lang HANDLER plpgsql_call_handler;
-- then
ALTER LANGUAGE fuzz_lang OWNER TO role_a;
--# owner of the server's language | beyond the server's own | says plpgsql
ALTER LANGUAGE plpgsql OWNER TO role_a;
--# owner of a range | says typowner
ALTER TYPE app.span OWNER TO role_a;
--# owner of a large object | says large object
ALTER LARGE OBJECT 424242 OWNER TO role_a;
--# owner of all | says nspowner
REASSIGN OWNED BY role_a TO role_b;

--# comment on a table | says comment
COMMENT ON TABLE app.people IS 'most of them';
--# comment on a table gone | says comment
COMMENT ON TABLE app.people IS NULL;
--# comment on a column | says app.points.x
COMMENT ON COLUMN app.points.x IS 'c';
--# comment on a constraint | says people_pkey
COMMENT ON CONSTRAINT people_pkey ON app.people IS 'c';
--# comment on an index | says people_name
COMMENT ON INDEX app.people_name IS 'c';
--# comment on a trigger | says people_touch
COMMENT ON TRIGGER people_touch ON app.people IS 'c';
--# comment on a policy | says mine
COMMENT ON POLICY mine ON app.notes IS 'c';
--# comment on a rule | says no_delete
COMMENT ON RULE no_delete ON app.notes IS 'c';
--# comment on a function | says app.add
COMMENT ON FUNCTION app.add(int, int) IS 'c';
--# comment on a procedure | says app.act
COMMENT ON PROCEDURE app.act(int) IS 'c';
--# comment on an aggregate | says app.total
COMMENT ON AGGREGATE app.total(int) IS 'c';
--# comment on a type | says app.mood
COMMENT ON TYPE app.mood IS 'c';
--# comment on a composite's attribute | says street
COMMENT ON COLUMN app.address.street IS 'c';
--# comment on a domain | says app.short
COMMENT ON DOMAIN app.short IS 'c';
--# comment on a domain's constraint | says positive_check
COMMENT ON CONSTRAINT positive_check ON DOMAIN app.positive IS 'c';
--# comment on a schema | says app
COMMENT ON SCHEMA app IS 'c';
--# comment on public | says public
COMMENT ON SCHEMA public IS 'c';
--# comment on public gone | says public
COMMENT ON SCHEMA public IS NULL;
--# comment on a sequence | says app.loose
COMMENT ON SEQUENCE app.loose IS 'c';
--# comment on a view | says app.names
COMMENT ON VIEW app.names IS 'c';
--# comment on a matview | says app.stats
COMMENT ON MATERIALIZED VIEW app.stats IS 'c';
--# comment on an operator | says =~=
COMMENT ON OPERATOR app.=~= (text, text) IS 'c';
--# comment on an operator class | says numbers_ops
COMMENT ON OPERATOR CLASS app.numbers_ops USING btree IS 'c';
--# comment on an operator family | says app.numbers
COMMENT ON OPERATOR FAMILY app.numbers USING btree IS 'c';
--# comment on a cast | says cast
COMMENT ON CAST (app.address AS text) IS 'c';
--# comment on a conversion | says app.conv
COMMENT ON CONVERSION app.conv IS 'c';
--# comment on a collation | says app.plain
COMMENT ON COLLATION app.plain IS 'c';
--# comment on an extension | says plpgsql
COMMENT ON EXTENSION plpgsql IS 'c';
--# comment on a publication | says fuzz_pub
COMMENT ON PUBLICATION fuzz_pub IS 'c';
--# comment on statistics | says people_stats
COMMENT ON STATISTICS app.people_stats IS 'c';
--# comment on an event trigger | says fuzz_watch
COMMENT ON EVENT TRIGGER fuzz_watch IS 'c';
--# comment on a wrapper | says fuzz_wrapper
COMMENT ON FOREIGN DATA WRAPPER fuzz_wrapper IS 'c';
--# comment on a server | says fuzz_server
COMMENT ON SERVER fuzz_server IS 'c';
--# comment on a foreign table | says app.remote
COMMENT ON FOREIGN TABLE app.remote IS 'c';
--# comment on a configuration | says app.search
COMMENT ON TEXT SEARCH CONFIGURATION app.search IS 'c';
--# comment on a dictionary | says app.words
COMMENT ON TEXT SEARCH DICTIONARY app.words IS 'c';
--# comment on a language | beyond an extension's own | says language
COMMENT ON LANGUAGE plpgsql IS 'c';
--# comment on a language of ours | says fuzz_lang
-- before
CREATE LANGUAGE fuzz_lang HANDLER plpgsql_call_handler;
-- then
COMMENT ON LANGUAGE fuzz_lang IS 'c';
--# comment on the server's schema | beyond the server's own | says information_schema
COMMENT ON SCHEMA information_schema IS 'c';
--# comment on an extension's function | beyond an extension's own | with citext | says citext_hash
-- before
CREATE EXTENSION citext;
-- then
COMMENT ON FUNCTION citext_hash(citext) IS 'c';
--# comment on a transform | says transform
-- before
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
-- then
COMMENT ON TRANSFORM FOR int LANGUAGE sql IS 'c';
--# comment on an access method | says pile
-- before
CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;
-- then
COMMENT ON ACCESS METHOD pile IS 'c';
--# comment on a large object | says large object
COMMENT ON LARGE OBJECT 424242 IS 'c';
--# comment on the database | beyond the cluster's | says database
COMMENT ON DATABASE this_database IS 'c';
--# comment on the server's function | says comments | unwritten the server's own
COMMENT ON FUNCTION pg_catalog.pi() IS 'c';
--# comment on a view's column | says app.names.name
COMMENT ON COLUMN app.names.name IS 'c';

--# publication of all tables | says puballtables
CREATE PUBLICATION fuzz_all FOR ALL TABLES;
--# publication's table added | says app.pairs
ALTER PUBLICATION fuzz_pub ADD TABLE app.pairs;
--# publication's table dropped | says app.notes
ALTER PUBLICATION fuzz_pub DROP TABLE app.notes;
--# publication's columns | since 15 | says prattrs
ALTER PUBLICATION fuzz_filtered SET TABLE app.points (x, w) WHERE (x > 0);
--# publication's columns all | since 15 | says prattrs
ALTER PUBLICATION fuzz_filtered SET TABLE app.points WHERE (x > 0);
--# publication's filter | since 15 | says filter
ALTER PUBLICATION fuzz_filtered SET TABLE app.points (x, y) WHERE (x > 1);
--# publication's schema | since 15 | says spare
ALTER PUBLICATION fuzz_schema ADD TABLES IN SCHEMA spare;
--# publication's operations | says pubdelete
ALTER PUBLICATION fuzz_pub SET (publish = 'insert, update');
--# publication's truncate | says pubtruncate
ALTER PUBLICATION fuzz_pub SET (publish = 'insert, update, delete');
--# publication via root | says pubviaroot
ALTER PUBLICATION fuzz_pub SET (publish_via_partition_root = true);
--# publication of generated columns | since 18 | says pubgencols
ALTER PUBLICATION fuzz_pub SET (publish_generated_columns = stored);
--# publication renamed | says fuzz_sent
ALTER PUBLICATION fuzz_pub RENAME TO fuzz_sent;
--# publication dropped | says fuzz_pub
DROP PUBLICATION fuzz_pub;

--# subscription created | says fuzz_sub
CREATE SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-SUB dbname=x'
  PUBLICATION p WITH (connect = false, slot_name = NONE);
--# subscription's connection | says subconninfo | unwritten a secret
-- before
CREATE SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-SUB dbname=x'
  PUBLICATION p WITH (connect = false, slot_name = NONE);
-- then
ALTER SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-NEW dbname=x';
--# subscription's publications | says subpublications
-- before
CREATE SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-SUB dbname=x'
  PUBLICATION p WITH (connect = false, slot_name = NONE);
-- then
ALTER SUBSCRIPTION fuzz_sub SET PUBLICATION q WITH (refresh = false);
--# subscription's option | says subsynccommit
-- before
CREATE SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-SUB dbname=x'
  PUBLICATION p WITH (connect = false, slot_name = NONE);
-- then
ALTER SUBSCRIPTION fuzz_sub SET (synchronous_commit = local);
--# subscription binary | since 14 | says subbinary
-- before
CREATE SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-SUB dbname=x'
  PUBLICATION p WITH (connect = false, slot_name = NONE);
-- then
ALTER SUBSCRIPTION fuzz_sub SET (binary = true);
--# subscription's slot | says subslotname
-- before
CREATE SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-SUB dbname=x'
  PUBLICATION p WITH (connect = false, slot_name = NONE);
-- then
ALTER SUBSCRIPTION fuzz_sub SET (slot_name = 'fuzz_slot');
--# subscription's comment | says fuzz_sub
-- before
CREATE SUBSCRIPTION fuzz_sub CONNECTION 'host=nowhere password=SECRET-SUB dbname=x'
  PUBLICATION p WITH (connect = false, slot_name = NONE);
-- then
COMMENT ON SUBSCRIPTION fuzz_sub IS 'c';

--# wrapper's options | says fdwoptions
ALTER FOREIGN DATA WRAPPER fuzz_wrapper OPTIONS (SET debug 'false');
--# wrapper's handler | with file_fdw | says fdwhandler
-- before
CREATE EXTENSION file_fdw;
-- then
ALTER FOREIGN DATA WRAPPER fuzz_wrapper HANDLER file_fdw_handler;
--# wrapper's validator | says fdwvalidator
ALTER FOREIGN DATA WRAPPER fuzz_wrapper OPTIONS (DROP debug);
ALTER FOREIGN DATA WRAPPER fuzz_wrapper VALIDATOR postgresql_fdw_validator;
--# server's version | says srvversion
ALTER SERVER fuzz_server VERSION '2';
--# server's options | says srvoptions
ALTER SERVER fuzz_server OPTIONS (SET host 'h2');
--# server's type | says srvtype
DROP SERVER fuzz_server CASCADE; CREATE SERVER fuzz_server TYPE 'sort' VERSION '1' FOREIGN DATA WRAPPER fuzz_wrapper;
--# user mapping created | says umuser
CREATE USER MAPPING FOR role_b SERVER fuzz_server OPTIONS (password 'SECRET-MAP');
--# user mapping for everybody | says public
CREATE USER MAPPING FOR PUBLIC SERVER fuzz_server;
--# user mapping's password | says umoptions | unwritten a secret
ALTER USER MAPPING FOR role_a SERVER fuzz_server OPTIONS (SET password 'SECRET-MAP');
--# user mapping's user | says umoptions | unwritten a secret
ALTER USER MAPPING FOR role_a SERVER fuzz_server OPTIONS (SET usr 'w');
--# user mapping dropped | says umuser
DROP USER MAPPING FOR role_a SERVER fuzz_server;
--# foreign table's options | says ftoptions
ALTER FOREIGN TABLE app.remote OPTIONS (SET tab 'u');
--# foreign table's column options | says attfdwoptions
ALTER FOREIGN TABLE app.remote ALTER id OPTIONS (SET column_name 'j');
--# foreign table's server | says ftserver
-- before
CREATE SERVER fuzz_two FOREIGN DATA WRAPPER fuzz_wrapper; CREATE FOREIGN TABLE app.far (x int) SERVER fuzz_two;
-- then
DROP FOREIGN TABLE app.far; CREATE FOREIGN TABLE app.far (x int) SERVER fuzz_server;
--# foreign table's check | says far_check
ALTER FOREIGN TABLE app.remote ADD CONSTRAINT far_check CHECK (id > 0);

--# large object created | says large object
SELECT lo_create(424243);
--# large object content | says large object
SELECT lo_put(424242, 0, 'other');
--# large object removed | says large object
SELECT lo_unlink(424242);

--# row inserted | says app.kinds | facet data
INSERT INTO app.kinds VALUES ('d', 'fourth', 4);
--# row updated | says app.kinds | facet data
UPDATE app.kinds SET label = 'none' WHERE code = 'a';
--# row updated to null | says app.kinds | facet data
UPDATE app.kinds SET rank = NULL WHERE code = 'a';
--# row updated from null to empty | says app.people | facet data
-- before
UPDATE app.people SET email = NULL WHERE id = 1;
-- then
UPDATE app.people SET email = '' WHERE id = 1;
--# row deleted | says app.kinds | facet data
DELETE FROM app.kinds WHERE code = 'c';
--# rows all deleted | says app.pairs | facet data
DELETE FROM app.pairs;
--# rows truncated | says app.pairs | facet data
TRUNCATE app.pairs;
--# row added to a table made anew | says app.points | facet data
ALTER TABLE app.points DROP COLUMN w CASCADE; ALTER TABLE app.points ADD w int;
INSERT INTO app.points VALUES (8, 8, 8);
--# rows with values swapped | says app.points | facet data
UPDATE app.points SET w = 3 - w WHERE w < 3;
--# rows with values swapped between columns | says app.points | facet data
UPDATE app.points SET x = y, y = x;
--# row first of a table | says app.animal | facet data
INSERT INTO app.animal VALUES (4);
--# row of a child | says app.dog | facet data
INSERT INTO app.dog VALUES (4, 'wau');
--# row in another partition | says events_25 | facet data
UPDATE app.events SET at = '2025-05-05' WHERE id = 1;
--# row in a table with a volatile default | says app.volatile | facet data
UPDATE app.volatile SET label = 'three' WHERE label = 'two';
--# row more in a table with a volatile default | says app.volatile | facet data
INSERT INTO app.volatile (label) VALUES ('three');
--# row whose column is stable's default | says app.notes | facet data
INSERT INTO app.notes (person, body) VALUES (1, 'hello');
--# rows two of one value | says app.dup | facet data
-- before
CREATE TABLE app.dup (x int); INSERT INTO app.dup VALUES (1), (1), (2), (2);
-- then
UPDATE app.dup SET x = 2 WHERE ctid = '(0,1)';

--# setting of the database | says work_mem
ALTER DATABASE this_database SET work_mem = '6MB';
--# setting of the database changed | says work_mem
-- before
ALTER DATABASE this_database SET work_mem = '5MB';
-- then
ALTER DATABASE this_database SET work_mem = '6MB';
--# setting of a role in the database | says work_mem
ALTER ROLE role_a IN DATABASE this_database SET work_mem = '7MB';
--# setting of the database reset | says work_mem
-- before
ALTER DATABASE this_database SET work_mem = '5MB';
-- then
ALTER DATABASE this_database RESET ALL;
--# default privileges of large objects | since 18 | says defaclacl
ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO role_b;
--# rows of a matview | says app.stats
-- before
INSERT INTO app.people (id, name, email, kind) VALUES (3, 'Cid', 'cid@x', 'a');
-- then
REFRESH MATERIALIZED VIEW app.stats;
--# row of a table of one column | says app.one | facet data
-- before
CREATE TABLE app.one (x text); INSERT INTO app.one VALUES ('');
-- then
UPDATE app.one SET x = NULL;
--# row's number with more digits | says app.one | facet data
-- before
CREATE TABLE app.one (x numeric, y float8, z text DEFAULT clock_timestamp()::text); INSERT INTO app.one VALUES (1.0, 0.1);
-- then
UPDATE app.one SET y = 0.1::float8 + 3e-17;
--# row's number with another scale | says app.one | facet data
-- before
CREATE TABLE app.one (x numeric); INSERT INTO app.one VALUES (1.0);
-- then
UPDATE app.one SET x = 1.00;
--# row of jsonb | says app.one | facet data
-- before
CREATE TABLE app.one (x jsonb); INSERT INTO app.one VALUES ('{"a": 1, "b": [1, 2]}');
-- then
UPDATE app.one SET x = '{"a": 1, "b": [2, 1]}';
--# row of bytes | says app.one | facet data
-- before
CREATE TABLE app.one (x bytea); INSERT INTO app.one VALUES ('\x00ff');
-- then
UPDATE app.one SET x = '\x00fe';
--# row of an unlogged table | says app.one | facet data
-- before
CREATE UNLOGGED TABLE app.one (x int); INSERT INTO app.one VALUES (1);
-- then
UPDATE app.one SET x = 2;
--# row behind row level security | says app.notes | facet data
-- before
ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY; ALTER TABLE app.notes FORCE ROW LEVEL SECURITY;
INSERT INTO app.notes (person, body) VALUES (1, 'hello');
-- then
UPDATE app.notes SET body = 'bye';
--# row that refers to one with a number of chance | says app.one | facet data
-- before
CREATE TABLE app.one (x int REFERENCES app.notes, t text); INSERT INTO app.notes (id, body) VALUES (5, 'x');
INSERT INTO app.one VALUES (5, 'a');
-- then
UPDATE app.one SET t = 'b';
--# owner of a member of an extension | says plpgsql
ALTER LANGUAGE plpgsql OWNER TO role_b;
--# owner's own rights on a table revoked | says app.people
REVOKE ALL ON app.people FROM CURRENT_USER;
