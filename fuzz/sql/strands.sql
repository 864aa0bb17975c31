-- What a strand does besides tables of its own; whatever it names is its own, or meets others only
-- in what has no order. {table} is a table of its own, {column} its column of a shared one.

--# hub
-- something of its own that hangs on a shared table
CREATE INDEX {name} ON shared.hub ({other}, {column});
CREATE UNIQUE INDEX {name} ON shared.hub (lower(b), {column}, id);
ALTER TABLE shared.hub ADD CONSTRAINT {name} CHECK ({column} IS NULL OR id > -1);
ALTER TABLE shared.hub ADD CONSTRAINT {name} UNIQUE (id, {column});
ALTER TABLE shared.hub ADD CONSTRAINT {name} FOREIGN KEY (k{number}) REFERENCES {table} NOT VALID;
ALTER TABLE shared.hub ADD CONSTRAINT {name} FOREIGN KEY (a) REFERENCES shared.hub (k0) NOT VALID;
CREATE TRIGGER {name} BEFORE UPDATE ON shared.hub FOR EACH ROW EXECUTE FUNCTION shared.touch('{name}');
CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON shared.hub FROM {table} DEFERRABLE FOR EACH ROW EXECUTE FUNCTION shared.touch();
CREATE POLICY {name} ON shared.hub FOR SELECT TO {role} USING (id > {n});
CREATE POLICY {name} ON shared.hub WITH CHECK (id > {n});
CREATE RULE {name} AS ON INSERT TO shared.hub WHERE NEW.id < -9 DO ALSO SELECT 1;
CREATE STATISTICS shared.{name} ON id, {column} FROM shared.hub;
CREATE VIEW shared.{name} AS SELECT id, {column} FROM shared.hub WHERE id > {n};
CREATE VIEW {own}.{name} AS SELECT * FROM shared.seen;
CREATE MATERIALIZED VIEW shared.{name} AS SELECT {column}, id FROM shared.hub WHERE id < 10;
CREATE TABLE shared.{name} PARTITION OF shared.parts FOR VALUES IN ('{name}');
CREATE TABLE {own}.{name} PARTITION OF shared.parts FOR VALUES IN ('{name}');
CREATE TABLE {own}.{name} (more int) INHERITS (shared.parent);
ALTER TABLE shared.parent ADD CONSTRAINT {name} CHECK (id IS NULL OR id > -{n});
CREATE TRIGGER {name} AFTER INSERT ON shared.parts FOR EACH ROW EXECUTE FUNCTION shared.touch();
CREATE INDEX {name} ON shared.parts ({column});
CREATE UNIQUE INDEX {name} ON shared.parts ({column}, k);
ALTER TABLE shared.parts ADD CONSTRAINT {name} FOREIGN KEY (id) REFERENCES shared.hub;
ALTER TABLE shared.parts ADD CONSTRAINT {name} CHECK ({column} > 0);
INSERT INTO shared.hub VALUES ({thousands}, {n}, '{name}', 0, NULL, NULL, NULL, {n}, NULL);
UPDATE shared.hub SET k{number} = NULL WHERE id = {n};
INSERT INTO shared.log (note) VALUES ('{name}');
INSERT INTO {table} DEFAULT VALUES;
INSERT INTO {table} (id) VALUES ({thousands});
CREATE EVENT TRIGGER {name} ON sql_drop EXECUTE FUNCTION shared.watch();
CREATE TABLE {own}.{name} (LIKE {table} INCLUDING ALL);
CREATE TABLE {own}.{name} (id int PRIMARY KEY, hub int REFERENCES shared.hub ON DELETE CASCADE, UNIQUE (hub));
ALTER TABLE shared.hub ENABLE ROW LEVEL SECURITY;
COMMENT ON COLUMN shared.hub.{column} IS '{name}';
COMMENT ON COLUMN shared.seen.{column} IS '{name}';
ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (id) REFERENCES shared.hub (k0) NOT VALID;

--# option
-- one key of many, or one column's
ALTER TABLE shared.hub SET ({table_option});
ALTER TABLE shared.hub ALTER b {column_option};
ALTER FUNCTION shared.fn(int) SET {setting};
ALTER DATABASE this_database SET {setting};
ALTER ROLE {role} IN DATABASE this_database SET work_mem = '{thousands}kB';
ALTER VIEW shared.seen ALTER {column} SET DEFAULT {value};
ALTER VIEW shared.seen SET ({view_option});
ALTER TABLE shared.hub ALTER {column} SET DEFAULT {value};
ALTER TABLE shared.hub ALTER k{number} SET STATISTICS {n};
ALTER FOREIGN TABLE shared.far ALTER {column} OPTIONS (ADD {name} 'v');
ALTER FOREIGN TABLE shared.far ALTER a OPTIONS (ADD {name} 'v');
ALTER FOREIGN TABLE shared.far OPTIONS (ADD {name} 'v');
ALTER SERVER server OPTIONS (ADD {name} 'v');
ALTER FOREIGN DATA WRAPPER wrapper OPTIONS (ADD {name} 'v');
ALTER TEXT SEARCH CONFIGURATION shared.search ALTER MAPPING FOR {token} WITH english_stem, simple;
ALTER SEQUENCE shared.numbers {sequence_option};

--# grant
-- to the strand's own role
GRANT SELECT ON shared.hub TO {role};
GRANT INSERT, UPDATE ON shared.hub TO {role} WITH GRANT OPTION;
GRANT ALL ON shared.hub TO {role};
REVOKE UPDATE ON shared.hub FROM {role};
GRANT SELECT ({column}) ON shared.hub TO {role};
GRANT UPDATE (id) ON shared.hub TO {role} WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION shared.fn(int) TO {role};
GRANT USAGE ON SCHEMA shared TO {role};
GRANT CREATE ON SCHEMA public TO {role};
GRANT USAGE ON SEQUENCE shared.numbers TO {role};
GRANT USAGE ON TYPE shared.state TO {role};
GRANT USAGE ON FOREIGN SERVER server TO {role};
GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO {role};
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO {role};
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) FROM {role};
GRANT SELECT ON pg_catalog.pg_authid TO {role};
GRANT USAGE ON LANGUAGE plpgsql TO {role};
ALTER DEFAULT PRIVILEGES FOR ROLE {role} GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE {role} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA shared GRANT USAGE ON TYPES TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA {own} GRANT INSERT ON TABLES TO {role};
GRANT SELECT ON {table} TO {role};
ALTER TABLE {table} OWNER TO {role};
COMMENT ON TABLE {table} IS '{name}';

--# other
-- of other kinds
CREATE SEQUENCE {place}.{name} CACHE {n};
CREATE SEQUENCE {place}.{name} OWNED BY {table}.id;
CREATE FUNCTION {place}.{name}(a {table}) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shared.f(a {table}, {name} int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION {place}.{name}() RETURNS SETOF {table} LANGUAGE sql AS 'SELECT * FROM {table}';
SELECT lo_from_bytea(0, '{name}');
CREATE DOMAIN {place}.{name} AS int CHECK (VALUE > {n});
CREATE TYPE {place}.{name} AS (a int, b text);
CREATE TYPE {place}.{name} AS ENUM ('z', 'y', 'x');
CREATE TYPE {place}.{name} AS RANGE (subtype = int);
CREATE AGGREGATE {place}.{name}(int) (sfunc = int4pl, stype = int);
CREATE COLLATION {place}.{name} (locale = 'C');
CREATE OPERATOR {place}.<{sign}> (leftarg = {table}, rightarg = {table}, function = record_eq);
CREATE TEXT SEARCH CONFIGURATION {place}.{name} (COPY = english);
CREATE TEXT SEARCH DICTIONARY {place}.{name} (TEMPLATE = simple, accept = false);
CREATE PUBLICATION {name} FOR TABLE shared.hub, {table};
ALTER PUBLICATION pub ADD TABLE {table};
CREATE USER MAPPING IF NOT EXISTS FOR {role} SERVER server OPTIONS (u '{name}');
CREATE FOREIGN TABLE {place}.{name} (x int) SERVER server;
ALTER OPERATOR FAMILY shared.fam USING btree ADD OPERATOR {strategy} < {pair};
CREATE CAST ({table} AS text) WITH INOUT;
ALTER TABLE {table} ADD FOREIGN KEY (id) REFERENCES {table};
CREATE TRIGGER {name} AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION shared.touch();
CREATE VIEW {place}.{name} AS SELECT id FROM {table};
ALTER TABLE {table} ADD CONSTRAINT {name} EXCLUDE USING btree (id WITH =);
ALTER TABLE {table} REPLICA IDENTITY FULL;
CREATE OPERATOR CLASS {place}.{name} FOR TYPE {table} USING btree AS FUNCTION 1 btrecordcmp(record, record);
CREATE STATISTICS ON id, hub FROM {table};

--# clash
-- where the order may matter
ALTER TABLE shared.hub ALTER a SET DEFAULT {n};
COMMENT ON TABLE shared.hub IS '{name}';
ALTER TABLE shared.typed ADD {name} int;
ALTER TYPE shared.state ADD VALUE '{name}' BEFORE 'old';
CREATE OR REPLACE VIEW shared.clash AS SELECT id FROM shared.hub WHERE id > {n};
ALTER SEQUENCE shared.numbers CACHE {n};
GRANT SELECT ON shared.hub TO role_a;
REVOKE SELECT ON shared.hub FROM role_a;
GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA shared TO role_b;
ALTER DEFAULT PRIVILEGES IN SCHEMA shared GRANT SELECT ON TABLES TO role_c;
CREATE TABLE shared.{name} (id int);
ALTER FUNCTION shared.fn(int) SET work_mem = '{n}MB';
ALTER FUNCTION shared.fn(int) COST {n};
CREATE OR REPLACE FUNCTION shared.fn(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + {n}';
ALTER TABLE shared.hub SET (fillfactor = 7{n});
UPDATE shared.hub SET a = {n} WHERE id = 1;
UPDATE shared.hub SET a = a + {n} WHERE id = 2;
UPDATE shared.hub SET a = a * {n} WHERE id = 2;
ALTER TABLE shared.hub OWNER TO {role};
CREATE TABLE shared.{name} (LIKE shared.typed INCLUDING ALL);
CREATE VIEW shared.{name} AS SELECT * FROM shared.typed;
CREATE INDEX ON shared.hub (a) WHERE id > {n};
ALTER TABLE shared.hub ADD CHECK (id > -{n});
INSERT INTO shared.log (note) VALUES ('{name}');
SELECT setval('shared.numbers', {thousands});
ALTER TABLE shared.hub ENABLE ROW LEVEL SECURITY;
ALTER TABLE shared.hub DISABLE ROW LEVEL SECURITY;
ALTER TABLE shared.hub DISABLE TRIGGER ALL;
ALTER TABLE shared.hub ADD CONSTRAINT {name} FOREIGN KEY (k2) REFERENCES shared.hub (k0) NOT VALID;
ALTER TABLE shared.parent ADD CONSTRAINT {name} CHECK (id < 0) NOT VALID;
CREATE TABLE shared.{name} (more int) INHERITS (shared.parent);
CREATE TABLE shared.{name} PARTITION OF shared.parts FOR VALUES IN ('{name}');
CREATE INDEX ON shared.parts (a, b);
ALTER TABLE shared.parts ADD FOREIGN KEY (a) REFERENCES shared.hub (id);
ALTER TABLE shared.parent ALTER kind SET DEFAULT '{name}';
ALTER SERVER server OPTIONS (ADD host '{n}');
ALTER SERVER server OPTIONS (SET host '{n}');
ALTER PUBLICATION pub SET TABLE shared.hub;
ALTER PUBLICATION pub ADD TABLE shared.typed;
ALTER TABLE shared.typed ALTER x TYPE bigint;
ALTER TABLE shared.typed ADD UNIQUE (x);
CREATE INDEX {name} ON shared.typed (x);
DROP VIEW IF EXISTS shared.clash CASCADE;
CREATE VIEW shared.{name} AS SELECT * FROM shared.clash;
ALTER TABLE shared.hub ALTER b SET STATISTICS {n};
ALTER TABLE shared.typed RENAME x TO {name};
ALTER DATABASE this_database SET work_mem = '{n}MB';
ALTER TABLE {table} ADD COLUMN {name} shared.state DEFAULT 'new';

--# reference
-- of partitioned tables, whose parts get constraints of their own
ALTER TABLE {table} ADD COLUMN {name} text, ADD CONSTRAINT {name} FOREIGN KEY (id, {name}) REFERENCES shared.parts (id, k);
