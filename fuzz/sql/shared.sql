-- What the strands of an interleaving have in common.
CREATE SCHEMA shared;
CREATE TABLE shared.hub (
  id int PRIMARY KEY, a int, b text, c numeric, d date, k0 int UNIQUE, k1 int UNIQUE, k2 int, k3 int
);
CREATE TABLE shared.parent (id int, kind text);
CREATE TABLE shared.parts (id int, a int, b int, c int, d int, k text NOT NULL, PRIMARY KEY (id, k))
  PARTITION BY LIST (k);
CREATE TABLE shared.log (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now(), note text);
CREATE TYPE shared.state AS ENUM ('new', 'old');
CREATE FUNCTION shared.fn(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION shared.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION shared.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE OPERATOR FAMILY shared.fam USING btree;
CREATE TEXT SEARCH CONFIGURATION shared.search (COPY = simple);
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER server FOREIGN DATA WRAPPER wrapper;
CREATE FOREIGN TABLE shared.far (a int, b int, c int, d int) SERVER server;
CREATE PUBLICATION pub;
CREATE VIEW shared.seen AS SELECT id, a, b, c, d FROM shared.hub;
CREATE VIEW shared.clash AS SELECT id FROM shared.hub;
CREATE SEQUENCE shared.numbers;
CREATE TABLE shared.typed (x int);
INSERT INTO shared.hub (id, a, k0, k1) SELECT i, i, i, i FROM generate_series(1, 20) AS i;
