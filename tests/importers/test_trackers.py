"""Every foreign tracker, from a dump that the real tool wrote."""

from pathlib import Path

import pytest

import pgbraid
from pgbraid.importers.tools import TOOLS
from pgbraid.sql.parser import parse

FIXTURES = Path(__file__).with_name("dumps")
CASES = sorted(path.parent for path in FIXTURES.glob("*/*/expected.txt"))


def restore(database, dump):
    for segment in parse(dump.read_text()).segments():
        database.run(segment.sql)


def answer(plan):
    """Return a plan's adoption or its problems in the words of an expected.txt."""
    if plan.adoption:
        return " ".join(["adopt", *(str(m.version) for m in plan.adoption.migrations)])
    return "\n".join(" ".join(["problem", p.code, *map(str, p.versions)]) for p in plan.errors)


def test_every_tracker_has_fixtures():
    assert {path.parent.name.replace("_", "-") for path in CASES} == {
        t.tool for t in TOOLS if t.adopt
    }


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_dump_of_real_tool_is_understood(database, case):
    restore(database, case / "dump.sql")
    plan = pgbraid.load(case.parent / "migrations").plan(database.conninfo)
    assert answer(plan) == (case / "expected.txt").read_text().strip()


STRANGERS = {
    "rails": "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);"
    "INSERT INTO schema_migrations VALUES ('2')",
    "dbmate": "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
    "ecto": "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp(0));"
    "INSERT INTO schema_migrations VALUES (2, now())",
    "hasura": "CREATE SCHEMA hdb_catalog; CREATE TABLE hdb_catalog.schema_migrations"
    " (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
    "INSERT INTO hdb_catalog.schema_migrations VALUES (1, false), (2, false)",
    "a view": "CREATE VIEW schema_migrations AS SELECT 2::bigint AS version, false AS dirty",
}


@pytest.mark.parametrize("schema", ["public", "hdb_catalog"])
@pytest.mark.parametrize("ddl", STRANGERS.values(), ids=STRANGERS.keys())
def test_table_of_another_tool_is_recognised_by_its_columns(database, ddl, schema):
    database.run(ddl)
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"}, schema=schema)
    plan = migrator.plan(database.conninfo)
    assert plan.adoption is None
    assert [s.migration.version for s in plan.steps] == [1, 2]


def test_several_rows_are_no_counter(database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (1, false), (2, false)"
    )
    plan = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"}).plan(database.conninfo)
    assert [p.code for p in plan.errors] == ["tracker_ambiguous"]
    database.run(
        "DELETE FROM schema_migrations; INSERT INTO schema_migrations VALUES (NULL, false)"
    )
    plan = pgbraid.load({"1_a.sql": "SELECT 1"}).plan(database.conninfo)
    assert [p.code for p in plan.errors] == ["tracker_ambiguous"]


def test_ledger_schema_goes_before_public(database):
    database.run(
        "CREATE SCHEMA app; CREATE TABLE public.schema_migrations (version bigint, dirty boolean);"
        "CREATE TABLE app.schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO public.schema_migrations VALUES (2, false);"
        "INSERT INTO app.schema_migrations VALUES (1, false)"
    )
    plan = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"}, schema="app").plan(
        database.conninfo
    )
    assert plan.adoption.source == "app.schema_migrations"
    assert answer(plan) == "adopt 1"
