-- Mutations of views, rules, routines, operators, triggers, policies, statistics, types, sequences.

--# view definition | says definition
CREATE OR REPLACE VIEW app.names AS SELECT name FROM app.adults WHERE id > 0;
--# view column added | says app.names.id
CREATE OR REPLACE VIEW app.names AS SELECT name, id FROM app.adults;
--# view dropped | says app.names
DROP VIEW app.names;
--# view renamed | says app.called
ALTER VIEW app.names RENAME TO called;
--# view column renamed | says app.names.called
ALTER VIEW app.names RENAME COLUMN name TO called;
--# view column default | says default
ALTER VIEW app.names ALTER name SET DEFAULT 'x';
--# view check option | says check_option
ALTER VIEW app.names SET (check_option = cascaded);
--# view security barrier | says security_barrier
ALTER VIEW app.names SET (security_barrier = true);
--# view security invoker | since 15 | says security_invoker
ALTER VIEW app.names SET (security_invoker = true);
--# view security invoker reset | since 15 | says reloptions
ALTER VIEW app.invoker RESET (security_invoker);
--# view owner | says relowner
ALTER VIEW app.names OWNER TO role_a;
--# view of another operator's schema | says definition
CREATE OR REPLACE VIEW app.names AS SELECT name FROM app.adults WHERE app.same(name, 'x');
--# view recursive | says tree
CREATE RECURSIVE VIEW tree (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM tree WHERE n < 5;
--# view turned table | says relkind
DROP VIEW app.names; CREATE TABLE app.names (name varchar(50));
--# matview definition | says definition
DROP MATERIALIZED VIEW app.stats;
CREATE MATERIALIZED VIEW app.stats AS SELECT count(*) AS n, kind FROM app.people WHERE id > 0 GROUP BY kind;
CREATE INDEX stats_kind ON app.stats (kind);
--# matview not populated | says relispopulated
REFRESH MATERIALIZED VIEW app.stats WITH NO DATA;
--# matview index | says stats_n
CREATE UNIQUE INDEX stats_n ON app.stats (kind, n);
--# matview option | says reloptions
ALTER MATERIALIZED VIEW app.stats SET (fillfactor = 80);
--# matview dropped | says app.stats
DROP MATERIALIZED VIEW app.stats;
--# matview column storage | says storage
ALTER MATERIALIZED VIEW app.stats ALTER kind SET STORAGE EXTERNAL;
--# rule added | says also
CREATE RULE also AS ON INSERT TO app.pairs DO ALSO NOTIFY x;
--# rule's condition | says definition
CREATE OR REPLACE RULE no_delete AS ON DELETE TO app.notes WHERE OLD.id < -1 DO INSTEAD NOTHING;
--# rule's action | says definition
CREATE OR REPLACE RULE no_delete AS ON DELETE TO app.notes WHERE OLD.id < 0 DO INSTEAD SELECT 1;
--# rule disabled | says ev_enabled
ALTER TABLE app.notes DISABLE RULE no_delete;
--# rule always | says ev_enabled
ALTER TABLE app.notes ENABLE ALWAYS RULE no_delete;
--# rule renamed | says never
ALTER RULE no_delete ON app.notes RENAME TO never;
--# rule dropped | says no_delete
DROP RULE no_delete ON app.notes;

--# function body | says definition
CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b + 0';
--# function body's blanks | says definition
CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT  a + b';
--# function volatility | says provolatile
ALTER FUNCTION app.add(int, int) STABLE;
--# function strict | says proisstrict
ALTER FUNCTION app.add(int, int) STRICT;
--# function security definer | says prosecdef
ALTER FUNCTION app.add(int, int) SECURITY DEFINER;
--# function leakproof | says proleakproof
ALTER FUNCTION app.add(int, int) LEAKPROOF;
--# function parallel | says proparallel
ALTER FUNCTION app.add(int, int) PARALLEL SAFE;
--# function cost | says procost
ALTER FUNCTION app.add(int, int) COST 7;
--# function rows | says prorows
ALTER FUNCTION app.many(int) ROWS 5;
--# function setting | says proconfig
ALTER FUNCTION app.add(int, int) SET search_path = app;
--# function setting, its order of schemas | says proconfig
-- before
ALTER FUNCTION app.add(int, int) SET search_path = app, other;
-- then
ALTER FUNCTION app.add(int, int) SET search_path = other, app;
--# function support | says prosupport
ALTER FUNCTION app.many(int) SUPPORT generate_series_int4_support;
--# function language | says prolang
CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN RETURN a + b; END';
--# function default of an argument | says definition
CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
--# function default of another argument | says pronargdefaults
CREATE OR REPLACE FUNCTION app.add(a int DEFAULT 0, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
--# function names of arguments | says proargnames
DROP FUNCTION app.add(int, int);
CREATE FUNCTION app.add(c int, d int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT c + d';
--# function mode of an argument | says proargmodes
DROP PROCEDURE app.act(int);
CREATE PROCEDURE app.act(x int) LANGUAGE plpgsql AS 'BEGIN x := x + 1; END';
--# function result | says prorettype
DROP FUNCTION app.add(int, int);
CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
--# function result a set | says proretset
DROP FUNCTION app.add(int, int);
CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
--# function body of standard SQL | since 14 | says definition
CREATE OR REPLACE FUNCTION app.modern(a int) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + 2;
--# procedure body of standard SQL | since 14 | says definition
CREATE OR REPLACE PROCEDURE app.body_proc(n int) LANGUAGE sql
  BEGIN ATOMIC INSERT INTO app.points VALUES (n, n, 0); END;
--# function variadic | says provariadic
CREATE FUNCTION app.v(int[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION app.v(int[]); CREATE FUNCTION app.v(VARIADIC int[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
--# function window | says prokind
-- before
CREATE FUNCTION app.w() RETURNS bigint LANGUAGE internal AS 'window_row_number';
-- then
DROP FUNCTION app.w(); CREATE FUNCTION app.w() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
--# function internal's symbol | says definition
-- before
CREATE FUNCTION app.w(int, int) RETURNS int LANGUAGE internal AS 'int4pl';
-- then
CREATE OR REPLACE FUNCTION app.w(int, int) RETURNS int LANGUAGE internal AS 'int4mi';
--# function in C, its symbol | with citext | says citext_hash
-- before
CREATE FUNCTION app.c(text, text) RETURNS int LANGUAGE c AS '$libdir/citext', 'citext_cmp';
-- then
CREATE OR REPLACE FUNCTION app.c(text, text) RETURNS int LANGUAGE c AS '$libdir/citext', 'citext_hash';
--# function overloaded | says app.add(text)
CREATE FUNCTION app.add(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
--# function renamed | says app.plus
ALTER FUNCTION app.add(int, int) RENAME TO plus;
--# function owner | says proowner
ALTER FUNCTION app.add(int, int) OWNER TO role_a;
--# function depends on an extension | with citext | says dependency
-- before
CREATE EXTENSION citext;
-- then
ALTER FUNCTION app.add(int, int) DEPENDS ON EXTENSION citext;
--# function returns table | says proargnames
-- before
CREATE FUNCTION app.t() RETURNS TABLE (a int, b int) LANGUAGE sql AS 'SELECT 1, 2';
-- then
DROP FUNCTION app.t(); CREATE FUNCTION app.t() RETURNS TABLE (a int, c int) LANGUAGE sql AS 'SELECT 1, 2';
--# procedure body | says definition
CREATE OR REPLACE PROCEDURE app.act(INOUT x int) LANGUAGE plpgsql AS 'BEGIN x := x + 2; END';
--# language created | says fuzz_lang
CREATE LANGUAGE fuzz_lang HANDLER plpgsql_call_handler;
--# language trusted | says lanpltrusted
-- before
CREATE LANGUAGE fuzz_lang HANDLER plpgsql_call_handler;
-- then
CREATE OR REPLACE TRUSTED LANGUAGE fuzz_lang HANDLER plpgsql_call_handler;

--# aggregate transition | says aggtransfn
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '0');
--# aggregate start | says agginitval
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '1');
--# aggregate end | says aggfinalfn
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '0', finalfunc = int4abs);
--# aggregate parallel | says proparallel
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '0', parallel = safe);
--# aggregate combine | says aggcombinefn
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '0', combinefunc = int4pl);
--# aggregate moving | says aggmtransfn
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '0',
  msfunc = int4pl, minvfunc = int4mi, mstype = int, minitcond = '0');
--# aggregate space | says aggtransspace
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '0', sspace = 64);
--# aggregate sort operator | says aggsortop
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '0', sortop = operator(pg_catalog.<));
--# aggregate end modifies | says aggfinalmodify
CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = app.add_more, stype = int, initcond = '0', finalfunc_modify = shareable);
--# aggregate of ordered sets | says app.pct
CREATE AGGREGATE app.pct(float8 ORDER BY anyelement) (sfunc = ordered_set_transition, stype = internal,
  finalfunc = percentile_disc_final, finalfunc_extra);
--# aggregate hypothetical | says aggkind
-- before
CREATE AGGREGATE app.hyp(VARIADIC "any" ORDER BY VARIADIC "any") (sfunc = ordered_set_transition_multi,
  stype = internal, finalfunc = rank_final, finalfunc_extra);
-- then
DROP AGGREGATE app.hyp(VARIADIC "any" ORDER BY VARIADIC "any");
CREATE AGGREGATE app.hyp(VARIADIC "any" ORDER BY VARIADIC "any") (sfunc = ordered_set_transition_multi,
  stype = internal, finalfunc = rank_final, finalfunc_extra, hypothetical);

--# operator created | says <=>
CREATE OPERATOR app.<=> (leftarg = int, rightarg = int, function = app.cmp);
--# operator function | says oprcode
-- before
CREATE FUNCTION app.same_two(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
-- then
DROP OPERATOR app.=~= (text, text); CREATE OPERATOR app.=~= (leftarg = text, rightarg = text, function = app.same_two);
--# operator commutator | says oprcom
DROP OPERATOR app.=~= (text, text);
CREATE OPERATOR app.=~= (leftarg = text, rightarg = text, function = app.same, commutator = operator(app.=~=));
--# operator negator | says oprnegate
DROP OPERATOR app.=~= (text, text);
CREATE OPERATOR app.=~= (leftarg = text, rightarg = text, function = app.same, negator = operator(app.<~>));
--# operator estimator | says oprrest
ALTER OPERATOR app.=~= (text, text) SET (RESTRICT = eqsel);
--# operator join estimator | says oprjoin
ALTER OPERATOR app.=~= (text, text) SET (JOIN = eqjoinsel);
--# operator hashes | says oprcanhash
DROP OPERATOR app.=~= (text, text);
CREATE OPERATOR app.=~= (leftarg = text, rightarg = text, function = app.same, commutator = operator(app.=~=), hashes);
--# operator merges | says oprcanmerge
DROP OPERATOR app.=~= (text, text);
CREATE OPERATOR app.=~= (leftarg = text, rightarg = text, function = app.same, commutator = operator(app.=~=), merges);
--# operator owner | says oprowner
ALTER OPERATOR app.=~= (text, text) OWNER TO role_a;
--# operator of one side | says oprkind
CREATE OPERATOR app.!! (rightarg = int, function = int4abs);
--# operator class created | says app.more_ops
CREATE OPERATOR CLASS app.more_ops FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int);
--# operator class function | says amproc
DROP OPERATOR CLASS app.numbers_ops USING btree;
CREATE OPERATOR CLASS app.numbers_ops FOR TYPE int USING btree FAMILY app.numbers AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 app.cmp_more(int, int);
--# operator class operator fewer | says operator 5
DROP OPERATOR CLASS app.numbers_ops USING btree;
CREATE OPERATOR CLASS app.numbers_ops FOR TYPE int USING btree FAMILY app.numbers AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, FUNCTION 1 app.cmp(int, int);
--# operator class default | says opcdefault
-- before
CREATE OPERATOR CLASS app.addr_ops FOR TYPE app.address USING btree AS FUNCTION 1 btrecordcmp(record, record);
-- then
DROP OPERATOR FAMILY app.addr_ops USING btree;
CREATE OPERATOR CLASS app.addr_ops DEFAULT FOR TYPE app.address USING btree AS FUNCTION 1 btrecordcmp(record, record);
--# operator class renamed | says app.figures_ops
ALTER OPERATOR CLASS app.numbers_ops USING btree RENAME TO figures_ops;
--# operator class dropped, family kept | says numbers_ops
DROP OPERATOR CLASS app.numbers_ops USING btree;
--# operator family created | says app.fam
CREATE OPERATOR FAMILY app.fam USING hash;
--# operator family added to | says app.numbers
ALTER OPERATOR FAMILY app.numbers USING btree ADD OPERATOR 1 < (int, bigint), OPERATOR 3 = (int, bigint);
--# operator family added a function | says app.numbers
ALTER OPERATOR FAMILY app.numbers USING btree ADD FUNCTION 1 (int, bigint) btint48cmp(int, bigint);
--# operator family of the server's added to | says integer_ops
CREATE FUNCTION app.cmp28(text, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
ALTER OPERATOR FAMILY pg_catalog.integer_ops USING btree ADD FUNCTION 1 (text, int) app.cmp28(text, int);
--# operator family owner | says opfowner
ALTER OPERATOR FAMILY app.numbers USING btree OWNER TO role_a;
--# cast created | says cast
CREATE CAST (app.mood AS int) WITH INOUT;
--# cast dropped | says cast
DROP CAST (app.address AS text);
--# cast context | says castcontext
DROP CAST (app.address AS text);
CREATE CAST (app.address AS text) WITH FUNCTION app.as_text(app.address) AS IMPLICIT;
--# cast method | says castmethod
DROP CAST (app.address AS text); CREATE CAST (app.address AS text) WITH INOUT AS ASSIGNMENT;
--# cast between the server's types | says cast
CREATE CAST (int AS date) WITH INOUT;
--# conversion created | says app.conv_two
CREATE CONVERSION app.conv_two FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
--# conversion default | says condefault
DROP CONVERSION app.conv; CREATE DEFAULT CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
--# conversion's encoding | says conforencoding
DROP CONVERSION app.conv; CREATE CONVERSION app.conv FOR 'LATIN2' TO 'UTF8' FROM iso8859_to_utf8;
--# transform created | says transform
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
--# transform function | says trftosql
-- before
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
-- then
CREATE OR REPLACE TRANSFORM FOR int LANGUAGE sql
  (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));

--# trigger created | says people_third
CREATE TRIGGER people_third AFTER DELETE ON app.people FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
--# trigger timing | says tgtype
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch AFTER UPDATE ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch('x');
--# trigger events | says tgtype
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch BEFORE UPDATE OR INSERT ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch('x');
--# trigger for each statement | says tgtype
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch BEFORE UPDATE ON app.people FOR EACH STATEMENT EXECUTE FUNCTION app.touch('x');
--# trigger condition | says definition
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch BEFORE UPDATE ON app.people FOR EACH ROW
  WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION app.touch('x');
--# trigger columns | says tgattr
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch BEFORE UPDATE OF name, email ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch('x');
--# trigger argument | says tgargs
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch BEFORE UPDATE ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch('y');
--# trigger function | says tgfoid
DROP TRIGGER people_touch ON app.people;
CREATE TRIGGER people_touch BEFORE UPDATE ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch_more('x');
--# trigger disabled | says tgenabled
ALTER TABLE app.people DISABLE TRIGGER people_touch;
--# trigger on replicas | says tgenabled
ALTER TABLE app.people ENABLE REPLICA TRIGGER people_touch;
--# trigger always | says tgenabled
ALTER TABLE app.people ENABLE ALWAYS TRIGGER people_touch;
--# triggers all disabled, also those of foreign keys | says trigger of
DROP TRIGGER people_touch ON app.people; DROP TRIGGER people_later ON app.people;
ALTER TABLE app.people DISABLE TRIGGER ALL;
--# triggers of a foreign key's other side disabled | says trigger of
ALTER TABLE app.kinds DISABLE TRIGGER ALL;
--# trigger deferrable | says tgdeferrable
DROP TRIGGER people_later ON app.people;
CREATE CONSTRAINT TRIGGER people_later AFTER INSERT ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch();
--# trigger initially deferred | says tginitdeferred
DROP TRIGGER people_later ON app.people;
CREATE CONSTRAINT TRIGGER people_later AFTER INSERT ON app.people
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
--# trigger from another table | says tgconstrrelid
DROP TRIGGER people_later ON app.people;
CREATE CONSTRAINT TRIGGER people_later AFTER INSERT ON app.people FROM app.kinds
  DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION app.touch();
--# trigger's transition table | says tgoldtable
-- before
CREATE TRIGGER trans AFTER UPDATE ON app.pairs FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
-- then
DROP TRIGGER trans ON app.pairs;
CREATE TRIGGER trans AFTER UPDATE ON app.pairs REFERENCING OLD TABLE AS before_it
  FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
--# trigger instead of | says instead
CREATE TRIGGER instead INSTEAD OF INSERT ON app.names FOR EACH ROW EXECUTE FUNCTION app.touch();
--# trigger of a partitioned table | says for_all
CREATE TRIGGER for_all AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.touch();
--# trigger of one partition disabled | says tgenabled
-- before
CREATE TRIGGER for_all AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.touch();
-- then
ALTER TABLE app.events_24 DISABLE TRIGGER for_all;
--# trigger renamed | says people_felt
ALTER TRIGGER people_touch ON app.people RENAME TO people_felt;
--# event trigger created | says fuzz_second
CREATE EVENT TRIGGER fuzz_second ON sql_drop EXECUTE FUNCTION app.watch();
--# event trigger tags | says evttags
DROP EVENT TRIGGER fuzz_watch;
CREATE EVENT TRIGGER fuzz_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION app.watch();
--# event trigger function | says evtfoid
DROP EVENT TRIGGER fuzz_watch;
CREATE EVENT TRIGGER fuzz_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION app.watch_more();
--# event trigger event | says evtevent
DROP EVENT TRIGGER fuzz_watch;
CREATE EVENT TRIGGER fuzz_watch ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION app.watch();
--# event trigger disabled | says evtenabled
ALTER EVENT TRIGGER fuzz_watch DISABLE;
--# event trigger always | says evtenabled
ALTER EVENT TRIGGER fuzz_watch ENABLE ALWAYS;

--# policy created | says ours
CREATE POLICY ours ON app.pairs USING (true);
--# policy command | says polcmd
DROP POLICY mine ON app.notes; CREATE POLICY mine ON app.notes FOR DELETE TO role_a USING (person > 0);
--# policy restrictive | says polpermissive
DROP POLICY mine ON app.notes;
CREATE POLICY mine ON app.notes AS RESTRICTIVE FOR SELECT TO role_a USING (person > 0);
--# policy roles | says polroles
ALTER POLICY mine ON app.notes TO role_a, role_b;
--# policy for everybody | says polroles
ALTER POLICY mine ON app.notes TO PUBLIC;
--# policy using | says using
ALTER POLICY mine ON app.notes USING (person > 1);
--# policy check | says with_check
ALTER POLICY theirs ON app.notes WITH CHECK (person < 99);
--# policy renamed | says yours
ALTER POLICY mine ON app.notes RENAME TO yours;

--# statistics created | says app.more_stats
CREATE STATISTICS app.more_stats ON a, b FROM app.pairs;
--# statistics kinds | says stxkind
DROP STATISTICS app.people_stats;
CREATE STATISTICS app.people_stats (ndistinct, dependencies, mcv) ON name, email FROM app.people;
--# statistics target | says stxstattarget
ALTER STATISTICS app.people_stats SET STATISTICS 50;
--# statistics columns | says stxkeys
DROP STATISTICS app.people_stats;
CREATE STATISTICS app.people_stats (ndistinct, dependencies) ON name, born FROM app.people;
--# statistics expression | since 14 | says expressions
DROP STATISTICS app.expr_stats; CREATE STATISTICS app.expr_stats ON (x - y), w FROM app.points;
--# statistics renamed | says app.counted
ALTER STATISTICS app.people_stats RENAME TO counted;
--# statistics owner | says stxowner
ALTER STATISTICS app.people_stats OWNER TO role_a;
