"""Every foreign tracker, from a dump that the real tool wrote."""

import re
from pathlib import Path

import pytest

import pgbraid
from pgbraid import ProblemsFound
from pgbraid.importers.tools import TOOLS, tool_named
from pgbraid.migrate.convert import convert_files
from pgbraid.sql.parser import parse

FIXTURES = Path(__file__).with_name("dumps")
CASES = sorted(path.parent for path in FIXTURES.glob("*/*/expected.txt"))


def tool_of(folder):
    """Return the tool of a folder of fixtures; its name may have more words behind the tool's."""
    words = folder.name.split("_")
    names = ["-".join(words[:size]) for size in range(len(words), 0, -1)]
    return next(tool for tool in map(tool_named, names) if tool)


CODES = {
    **dict.fromkeys(("dirty", "failed", "partial", "incomplete"), "tracker_dirty"),
    "locked": "tracker_locked",
    "no_file": "tracker_version_without_file",
}
AS_THEY_ARE = [
    case
    for case in CASES
    if tool_of(case.parent).names[0]
    in {
        *("golang-migrate", "goose", "dbmate", "tern", "sqlx", "supabase", "atlas"),
        *("node-pg-migrate", "drizzle"),
    }
    if not (case / "expected.txt").read_text().startswith("problem")
    if case.parent.name not in {"drizzle_rc", "rails"}
]
WITH_CHECKSUM = {
    *("Flyway", "sqlx", "refinery", "graphile-migrate", "Prisma", "Drizzle", "Sqitch", "dblift"),
    *("Liquibase", "peterldowns/pgmigrate"),
}


def restore(database, dump):
    for segment in parse(dump.read_text()).segments():
        database.run(segment.sql)


def converted(tool, folder, tmp_path):
    """Return a folder of pgbraid for the files of a tool; scripts in other languages by hand."""
    target = tmp_path / "migrations"
    if tool.program:  # the tool itself has rendered them; it is not installed here
        return folder.with_name("converted")
    if tool.files and folder.parent.name != "rails":
        convert_files(tool, folder, target)
        return target
    target.mkdir()
    for path in folder.iterdir():
        match = re.match(r"(\d+)[_-](\w[\w-]*)", path.name)
        if match:
            name = match[2].replace("-", "_")
            (target / f"{match[1]}_{name}.sql").write_text("SELECT 1;\n")
    return target


def outcome(adoption):
    """Return what is adopted as an expected.txt has it: the counter, else the tool's keys."""
    if adoption.counter is not None:
        return f"applied {adoption.counter}"
    return " ".join(["applied", *sorted(key for _, key, _ in adoption.foreign)])


def expected(case):
    word, *keys = (case / "expected.txt").read_text().split()
    return " ".join([word, *sorted(keys)])


def test_every_tool_has_fixtures():
    assert {tool_of(case.parent).tool for case in CASES} == {tool.tool for tool in TOOLS}


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_dump_of_real_tool_is_adopted(database, case, tmp_path):
    tool = tool_of(case.parent)
    restore(database, case / "dump.sql")
    migrator = pgbraid.load(converted(tool, case.parent / "migrations", tmp_path))
    if expected(case).startswith("problem"):
        with pytest.raises(ProblemsFound) as caught:
            migrator.adopt(database.conninfo, tool.names[0])
        state = expected(case).partition(" ")[2]
        assert caught.value.problems[0].code == CODES[state]
        assert database.value("SELECT to_regclass('applied_migrations') IS NULL")
        return
    adoption = migrator.adopt(database.conninfo, tool.names[0])
    assert outcome(adoption) == expected(case)
    assert [p.code for p in adoption.problems] == []
    if not adoption.migrations:
        assert database.value("SELECT to_regclass('applied_migrations') IS NULL")
        return
    recorded = database.rows("SELECT version, name, checksum FROM applied_migrations ORDER BY 1")
    assert recorded == [
        (m.version, m.name, m.checksum if m.version in adoption.verified else None)
        for m in adoption.migrations
    ]
    if tool.tool in WITH_CHECKSUM:
        checked = {version for version, _, checksum in adoption.foreign if checksum}
        assert adoption.verified == checked
    assert migrator.adopt(database.conninfo, tool.names[0]) is None


@pytest.mark.parametrize("case", AS_THEY_ARE, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_files_as_they_are_give_the_same_answer(database, case):
    tool = tool_of(case.parent)
    folder = case.parent / "migrations"
    migrator = pgbraid.load(folder)
    restore(database, case / "dump.sql")
    adoption = migrator.adopt(database.conninfo, tool.names[0])
    assert outcome(adoption) == expected(case)
    assert [p.code for p in adoption.problems] == []


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
    assert [m.version for m in plan.adoption.migrations] == [1]
