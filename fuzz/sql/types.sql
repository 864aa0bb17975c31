-- Mutations of types, sequences, text search, collations, schemas and extensions.

--# enum value added | says 'glad'
ALTER TYPE app.mood ADD VALUE 'glad';
--# enum value renamed | says 'blue'
ALTER TYPE app.mood RENAME VALUE 'sad' TO 'blue';
--# enum order | says values | facet enum order
-- before
CREATE TYPE app.level AS ENUM ('low', 'mid', 'high');
-- then
DROP TYPE app.level; CREATE TYPE app.level AS ENUM ('low', 'high', 'mid');
--# enum value names swapped | says values | facet enum order
ALTER TYPE app.mood RENAME VALUE 'sad' TO 't'; ALTER TYPE app.mood RENAME VALUE 'ok' TO 'sad';
ALTER TYPE app.mood RENAME VALUE 't' TO 'ok';
--# enum without values | says app.nothing
CREATE TYPE app.nothing AS ENUM ();
--# enum renamed | says app.feeling
ALTER TYPE app.mood RENAME TO feeling;
--# composite attribute added | says zip
ALTER TYPE app.address ADD ATTRIBUTE zip text CASCADE;
--# composite attribute's type | says type
-- before
CREATE TYPE app.pair AS (a int, b int);
-- then
ALTER TYPE app.pair ALTER ATTRIBUTE b TYPE bigint;
--# composite attribute's collation | says attcollation
-- before
CREATE TYPE app.pair AS (a text, b int);
-- then
ALTER TYPE app.pair ALTER ATTRIBUTE a TYPE text COLLATE "C";
--# composite attribute renamed | says road
ALTER TYPE app.address RENAME ATTRIBUTE street TO road CASCADE;
--# composite order | says columns | facet column order
-- before
CREATE TYPE app.pair AS (a int, b int);
-- then
DROP TYPE app.pair; CREATE TYPE app.pair AS (b int, a int);
--# domain default | says default
ALTER DOMAIN app.short SET DEFAULT 'nothing';
--# domain default dropped | says default
ALTER DOMAIN app.short DROP DEFAULT;
--# domain not null | says typnotnull
ALTER DOMAIN app.positive SET NOT NULL;
--# domain null | says typnotnull
ALTER DOMAIN app.short DROP NOT NULL;
--# domain check added | says small
ALTER DOMAIN app.positive ADD CONSTRAINT small CHECK (VALUE < 100);
--# domain check changed | says positive_check
ALTER DOMAIN app.positive DROP CONSTRAINT positive_check;
ALTER DOMAIN app.positive ADD CONSTRAINT positive_check CHECK (VALUE > 1);
--# domain check not valid | says convalidated
ALTER DOMAIN app.positive DROP CONSTRAINT positive_check;
ALTER DOMAIN app.positive ADD CONSTRAINT positive_check CHECK (VALUE > 0) NOT VALID;
--# domain check renamed | says above
ALTER DOMAIN app.positive RENAME CONSTRAINT positive_check TO above;
--# domain base type | says typbasetype
DROP DOMAIN app.positive; CREATE DOMAIN app.positive AS bigint CHECK (VALUE > 0);
--# domain typmod | says typtypmod
-- before
CREATE DOMAIN app.code AS varchar(5);
-- then
DROP DOMAIN app.code; CREATE DOMAIN app.code AS varchar(6);
--# domain collation | says typcollation
-- before
CREATE DOMAIN app.code AS text;
-- then
DROP DOMAIN app.code; CREATE DOMAIN app.code AS text COLLATE "C";
--# domain owner | says typowner
ALTER DOMAIN app.positive OWNER TO role_a;
--# range subtype_diff | says rngsubdiff
DROP TYPE app.span; CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = app.float_diff);
--# range subtype | says rngsubtype
DROP TYPE app.span; CREATE TYPE app.span AS RANGE (subtype = float4);
--# range operator class | says rngsubopc
-- before
CREATE TYPE app.texts AS RANGE (subtype = text);
-- then
DROP TYPE app.texts; CREATE TYPE app.texts AS RANGE (subtype = text, subtype_opclass = text_pattern_ops);
--# range collation | says rngcollation
-- before
CREATE TYPE app.texts AS RANGE (subtype = text);
-- then
DROP TYPE app.texts; CREATE TYPE app.texts AS RANGE (subtype = text, collation = "C");
--# range multirange name | since 14 | says app.odder_spans
DROP TYPE app.odd_span;
CREATE TYPE app.odd_span AS RANGE (subtype = int, multirange_type_name = app.odder_spans);
--# type shell created | says app.ghost
CREATE TYPE app.ghost;
--# type base created | says app.shell
CREATE FUNCTION app.shell_in(cstring) RETURNS app.shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.shell_out(app.shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.shell (input = app.shell_in, output = app.shell_out, internallength = 4, passedbyvalue);
--# type base alignment | says typalign
-- before
CREATE FUNCTION app.shell_in(cstring) RETURNS app.shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.shell_out(app.shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.shell (input = app.shell_in, output = app.shell_out, internallength = 4);
-- then
DROP TYPE app.shell CASCADE; CREATE TYPE app.shell;
CREATE FUNCTION app.shell_in(cstring) RETURNS app.shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.shell_out(app.shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.shell (input = app.shell_in, output = app.shell_out, internallength = 4, alignment = int2);
--# type base default, category and delimiter | says typcategory
-- before
CREATE FUNCTION app.shell_in(cstring) RETURNS app.shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.shell_out(app.shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.shell (input = app.shell_in, output = app.shell_out, internallength = 4, passedbyvalue);
-- then
DROP TYPE app.shell CASCADE; CREATE TYPE app.shell;
CREATE FUNCTION app.shell_in(cstring) RETURNS app.shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.shell_out(app.shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.shell (input = app.shell_in, output = app.shell_out, internallength = 4, passedbyvalue,
  category = 'N', default = '3', delimiter = ';');
--# type base storage | says typstorage
-- before
CREATE FUNCTION app.shell_in(cstring) RETURNS app.shell LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION app.shell_out(app.shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE TYPE app.shell (input = app.shell_in, output = app.shell_out, storage = extended);
-- then
ALTER TYPE app.shell SET (STORAGE = external);
--# type moved | says other.mood
ALTER TYPE app.mood SET SCHEMA other;
--# type owner | says typowner
ALTER TYPE app.mood OWNER TO role_a;

--# sequence created | says app.fresh
CREATE SEQUENCE app.fresh;
--# sequence dropped | says app.loose
DROP SEQUENCE app.loose;
--# sequence increment | says seqincrement
ALTER SEQUENCE app.tickets INCREMENT BY 3;
--# sequence minimum | says seqmin
ALTER SEQUENCE app.tickets MINVALUE 2;
--# sequence maximum | says seqmax
ALTER SEQUENCE app.tickets MAXVALUE 5000;
--# sequence start | says seqstart
ALTER SEQUENCE app.tickets START 11;
--# sequence cache | says seqcache
ALTER SEQUENCE app.tickets CACHE 6;
--# sequence cycle | says seqcycle
ALTER SEQUENCE app.tickets CYCLE;
--# sequence type | says seqtypid
ALTER SEQUENCE app.tickets AS int;
--# sequence owned | says dependency
ALTER SEQUENCE app.loose OWNED BY app.pairs.a;
--# sequence owned by another column | says dependency
ALTER SEQUENCE app.notes_id_seq OWNED BY app.notes.person;
--# sequence owned by none | says dependency
ALTER SEQUENCE app.notes_id_seq OWNED BY NONE;
--# sequence value | says last_value | facet sequence values
SELECT setval('app.loose', 77);
--# sequence called | says is_called | facet sequence values
SELECT nextval('app.loose');
--# sequence value, called or not | says is_called | facet sequence values
-- before
SELECT setval('app.loose', 77, true);
-- then
SELECT setval('app.loose', 77, false);
--# sequence unlogged | since 15 | says relpersistence
ALTER SEQUENCE app.loose SET UNLOGGED;
--# sequence renamed | says app.tight
ALTER SEQUENCE app.loose RENAME TO tight;

--# text search configuration created | says app.find
CREATE TEXT SEARCH CONFIGURATION app.find (PARSER = "default");
--# text search mapping | says mapdict
ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR asciiword WITH app.words;
--# text search mapping of two | says mapping
ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR asciiword WITH app.words, simple;
--# text search mapping, its order | says mapdict
-- before
ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR asciiword WITH app.words, simple;
-- then
ALTER TEXT SEARCH CONFIGURATION app.search ALTER MAPPING FOR asciiword WITH simple, app.words;
--# text search mapping dropped | says mapping
ALTER TEXT SEARCH CONFIGURATION app.search DROP MAPPING FOR email;
--# text search dictionary created | says app.thesaurus
CREATE TEXT SEARCH DICTIONARY app.thesaurus (TEMPLATE = simple);
--# text search dictionary option | says dictinitoption
ALTER TEXT SEARCH DICTIONARY app.words (accept = false);
--# text search dictionary template | says dicttemplate
DROP TEXT SEARCH DICTIONARY app.words;
CREATE TEXT SEARCH DICTIONARY app.words (TEMPLATE = snowball, language = english);
--# text search parser created | says app.pars
CREATE TEXT SEARCH PARSER app.pars (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
--# text search parser headline | says prsheadline
-- before
CREATE TEXT SEARCH PARSER app.pars (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
-- then
DROP TEXT SEARCH PARSER app.pars;
CREATE TEXT SEARCH PARSER app.pars (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
  LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
--# text search template created | says app.templ
CREATE TEXT SEARCH TEMPLATE app.templ (LEXIZE = dsimple_lexize);
--# text search template initialiser | says tmplinit
-- before
CREATE TEXT SEARCH TEMPLATE app.templ (LEXIZE = dsimple_lexize);
-- then
DROP TEXT SEARCH TEMPLATE app.templ; CREATE TEXT SEARCH TEMPLATE app.templ (LEXIZE = dsimple_lexize, INIT = dsimple_init);
--# text search parser of a configuration | says cfgparser
-- before
CREATE TEXT SEARCH PARSER app.pars (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH CONFIGURATION app.find (PARSER = "default");
-- then
DROP TEXT SEARCH CONFIGURATION app.find; CREATE TEXT SEARCH CONFIGURATION app.find (PARSER = app.pars);

--# collation created | says app.posix
CREATE COLLATION app.posix (locale = 'POSIX');
--# collation locale | says coll
DROP COLLATION app.plain; CREATE COLLATION app.plain (provider = libc, locale = 'C.UTF-8');
--# collation provider | with icu | says collprovider
DROP COLLATION app.plain; CREATE COLLATION app.plain (provider = icu, locale = 'und');
--# collation provider builtin | since 17 | says collprovider
DROP COLLATION app.plain; CREATE COLLATION app.plain (provider = builtin, locale = 'C');
--# collation deterministic | with icu | says collisdeterministic
-- before
CREATE COLLATION app.loose_one (provider = icu, locale = 'und-u-ks-level2');
-- then
DROP COLLATION app.loose_one; CREATE COLLATION app.loose_one (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
--# collation rules | since 16 | with icu | says collicurules
-- before
CREATE COLLATION app.ruled (provider = icu, locale = 'und', rules = '&a < g');
-- then
DROP COLLATION app.ruled; CREATE COLLATION app.ruled (provider = icu, locale = 'und', rules = '&b < g');
--# collation owner | says collowner
ALTER COLLATION app.plain OWNER TO role_a;

--# schema created | says fresh
CREATE SCHEMA fresh;
--# schema dropped | says spare
DROP SCHEMA spare;
--# schema renamed | says saved
ALTER SCHEMA spare RENAME TO saved;
--# schema owner | says nspowner
ALTER SCHEMA spare OWNER TO role_b;
--# schema public dropped | says public
DROP SCHEMA public;
--# schema public's owner | says nspowner
ALTER SCHEMA public OWNER TO role_a;
--# schema public's privileges | says nspacl
GRANT ALL ON SCHEMA public TO role_a;
--# schema public created anew | says public
DROP SCHEMA public; CREATE SCHEMA public;

--# extension created | with citext | says citext
CREATE EXTENSION citext;
--# extension's schema | with citext | says extnamespace
-- before
CREATE EXTENSION citext SCHEMA app;
-- then
ALTER EXTENSION citext SET SCHEMA spare;
--# extension dropped | with citext | says citext
-- before
CREATE EXTENSION citext;
-- then
DROP EXTENSION citext;
--# extension the server's dropped | says plpgsql
-- before
DROP FUNCTION app.touch, app.touch_more, app.watch, app.watch_more CASCADE; DROP PROCEDURE app.act;
-- then
DROP EXTENSION plpgsql;
--# extension older | with hstore | says extversion
-- before
CREATE EXTENSION hstore VERSION '1.4';
-- then
ALTER EXTENSION hstore UPDATE;
--# extension takes a member | with citext | says app.loner
-- before
CREATE EXTENSION citext;
-- then
ALTER EXTENSION citext ADD TABLE app.loner;
--# extension loses a member | with citext | says citext
-- before
CREATE EXTENSION citext;
-- then
ALTER EXTENSION citext DROP FUNCTION citext_hash(citext);
--# column of an extension's type | with citext | says type
-- before
CREATE EXTENSION citext;
-- then
ALTER TABLE app.kinds ALTER label TYPE citext;
--# domain check validated | says convalidated
-- before
ALTER DOMAIN app.positive ADD CONSTRAINT late CHECK (VALUE < 1000) NOT VALID;
-- then
ALTER DOMAIN app.positive VALIDATE CONSTRAINT late;
--# domain over a domain | says typbasetype
-- before
CREATE DOMAIN app.more AS app.positive;
-- then
DROP DOMAIN app.more; CREATE DOMAIN app.more AS int;
--# type of an array, its owner's table renamed | says app.folk
ALTER TABLE app.people RENAME TO folk;
