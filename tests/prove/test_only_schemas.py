"""``only_schemas``: drift and snapshots of some schemas, and what belongs to a schema."""

import psycopg
import pytest

import pgbraid
from pgbraid.prove.comparison.schema_subset import schema_of

TWO = """
CREATE SCHEMA app; CREATE TABLE app.t (i int);
CREATE SCHEMA other; CREATE TABLE other.u (i int, j app.t);
"""
EVERY_KIND = """
CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}, public;
CREATE TYPE e AS ENUM ('a'); CREATE TYPE r AS RANGE (subtype = int);
CREATE TYPE comp AS (a int, b e); CREATE DOMAIN dom AS int CHECK (value > 0);
CREATE TABLE "a.b" (id bigserial PRIMARY KEY, "x on public.y" int CHECK ("x on public.y" > 0),
  j int UNIQUE);
CREATE INDEX "i on public.z" ON "a.b" ("x on public.y");
COMMENT ON TABLE "a.b" IS 'x'; COMMENT ON COLUMN "a.b".j IS 'y';
CREATE POLICY "p in schema public. e.g. q" ON "a.b";
CREATE RULE "r on public.q" AS ON DELETE TO "a.b" DO NOTHING;
CREATE STATISTICS st ON id, j FROM "a.b";
CREATE TRIGGER "tr on public.q" BEFORE UPDATE ON "a.b"
  FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO PUBLIC;
CREATE FUNCTION f(a e, b "a.b") RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR === (leftarg = e, rightarg = "a.b", function = f);
CREATE OPERATOR FAMILY family USING btree; CREATE AGGREGATE ag(int) (sfunc = int4pl, stype = int);
CREATE COLLATION co FROM "C"; CREATE TEXT SEARCH CONFIGURATION cfg (COPY = simple);
CREATE TEXT SEARCH DICTIONARY dict (template = simple); CREATE SEQUENCE s;
CREATE TABLE parent (k int) PARTITION BY RANGE (k);
CREATE TABLE part PARTITION OF parent FOR VALUES FROM (1) TO (2);
CREATE TABLE kid (ref bigint REFERENCES "a.b" (id)); GRANT SELECT (ref) ON kid TO PUBLIC;
CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one; CREATE VIEW v AS SELECT * FROM kid;
CREATE CAST (comp AS text) WITH INOUT;
CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
"""


@pytest.fixture
def drifted(folder, database, programs, monkeypatch):
    """A database of two schemas, of which one was changed by hand."""
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    folder.write(_001_two=TWO)
    folder.load(settings=False).up(database.conninfo)
    database.run("ALTER TABLE other.u ADD by_hand int; CREATE SCHEMA more")
    return folder


def names(drifted):
    return [difference.name for difference in drifted.differences]


def test_one_schema_is_compared_and_others_are_not(drifted, database, cli, programs):
    migrator = drifted.load(settings=False)
    assert names(migrator.drift(database.conninfo, only_schemas="app")) == []
    assert names(migrator.drift(database.conninfo, only_schemas=["app", "other"])) == [
        "column other.u.by_hand"
    ]
    env = {"PGBRAID_PG_BIN": programs}
    assert "clean" in cli("drift", "--only-schema", "app", env=env, code=0).out
    words = ("drift", "--only-schema", "app", "--only-schema", "other")
    assert "other.u.by_hand" in cli(*words, env=env, code=1).out
    assert names(migrator.drift(database.conninfo, only_schemas="more")) == ["schema more"]


@pytest.mark.parametrize("wrong", ["nowhere", "App", "app,other", "app."])
def test_unknown_schema_is_error(drifted, database, cli, programs, wrong):
    migrator = drifted.load(settings=False)
    calls = (
        lambda: migrator.drift(database.conninfo, only_schemas=wrong),
        lambda: migrator.snapshot(database.conninfo, only_schemas=[wrong, "app"]),
        lambda: migrator.snapshot(only_schemas=wrong),
    )
    for call in calls:
        with pytest.raises(pgbraid.ConfigError, match="there is no schema") as caught:
            call()
        assert "`only_schemas`" in caught.value.hint
        assert "app" in caught.value.detail
    answer = cli("drift", "--only-schema", wrong, env={"PGBRAID_PG_BIN": programs}, code=2)
    assert "Name one of these with --only-schema" in answer.err


def test_snapshot_of_one_schema_can_be_compared(drifted, cli, database, programs, tmp_path):
    env = {"PGBRAID_PG_BIN": programs}
    only = ("--only-schema", "app")
    cli("snapshot", "--files", *only, "--output", "app.txt", env=env, code=0)
    text = (tmp_path / "app.txt").read_text()
    assert "[table app.t]" in text
    assert "other" not in text
    assert "extension" not in text
    cli("snapshot", *only, "--check", "app.txt", code=0)
    database.run("ALTER TABLE app.t ADD k int")
    assert "+[column app.t.k]" in cli("snapshot", *only, "--check", "app.txt", code=1).out


@pytest.mark.parametrize("schema", ["app", "Odd.one", 'a "q" on b.c (d'])
def test_everything_in_schema_is_known_to_be_in_it(database, schema):
    quoted = psycopg.sql.Identifier(schema).as_string(None)
    database.run(f"BEGIN; {EVERY_KIND.format(schema=quoted)} COMMIT")
    snapshot = pgbraid.load({}, settings=False).snapshot(database.conninfo)
    elsewhere = {
        key
        for part in snapshot.catalogs.values()
        for key in part.rows
        if schema_of(key) != (schema if schema == "app" else quoted)
    }
    usual = {"schema public", "comment on schema public", "database", "extension plpgsql"}
    usual |= {"comment on extension plpgsql"}
    unexpected = {key for key in elsewhere - usual if not key.startswith("comments in pg_")}
    assert unexpected == set()
