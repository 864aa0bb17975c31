"""Rows of trackers that the dumps do not have."""

import pytest

import pgbraid
from pgbraid import ProblemsFound
from pgbraid.importers.formats import flyway, prisma, sqitch
from pgbraid.importers.origin import Origin, OriginEntry, format_origin
from pgbraid.model.results import TrackerTable

GOLANG = (
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
    "INSERT INTO schema_migrations VALUES (1, false)"
)


def table(tool, *rows):
    columns = tuple((name, "text") for name in rows[0])
    return TrackerTable("public", tool.tables[0], columns, tuple(tuple(r.values()) for r in rows))


def row(rank, version, kind="SQL", *, success=True, script="V.sql"):
    return {
        "installed_rank": rank,
        "version": version,
        "description": "x",
        "type": kind,
        "script": script,
        "checksum": 7,
        "success": success,
    }


def test_flyway_baseline_script_stands_for_lower_versions():
    history = flyway.TOOL.read(table(flyway.TOOL, row(1, "5", "SQL_BASELINE"), row(2, "6")))
    assert history.through == "5"
    assert [recorded.key for recorded in history.applied] == ["6"]


def test_flyway_undone_version_is_not_applied():
    rows = [row(1, "1"), row(2, "2"), row(3, "2", "UNDO_SQL"), row(4, "3"), row(5, "3", "DELETE")]
    history = flyway.TOOL.read(table(flyway.TOOL, *rows))
    assert [recorded.key for recorded in history.applied] == ["1"]


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1"), ("01", "1"), ("1_2", "1.2"), ("1.2.0", "1.2"), ("0", "0.0")]
)
def test_flyway_versions_have_one_spelling(one, other):
    keys = [flyway.TOOL.read(table(flyway.TOOL, row(1, v))).applied[0].key for v in (one, other)]
    assert keys[0] == keys[1]


def test_prisma_row_that_finished_counts_beside_one_that_failed():
    base = {"migration_name": "1_a", "checksum": "ab", "rolled_back_at": None}
    rows = [{**base, "finished_at": None}, {**base, "finished_at": "now"}]
    history = prisma.TOOL.read(table(prisma.TOOL, *rows))
    assert [recorded.key for recorded in history.applied] == ["1_a"]
    assert isinstance(prisma.TOOL.read(table(prisma.TOOL, rows[0])), tuple)


def test_sqitch_changes_of_projects_are_apart():
    base = {"change_id": "x", "script_hash": None, "planned_at": 1, "committed_at": 1}
    rows = [{**base, "change": "a", "project": p} for p in ("one", "two", "one")]
    history = sqitch.TOOL.read(table(sqitch.TOOL, *rows))
    assert [recorded.key for recorded in history.applied] == ["one:a", "two:a", "one:a#2"]


def test_files_of_one_tool_are_not_adopted_from_the_table_of_another(database):
    origin = format_origin(Origin("flyway", (OriginEntry(1, "1.1", "V1.1__a.sql"),)))
    database.run(GOLANG)
    migrator = pgbraid.load({"001_a.sql": "SELECT 1;", "pgbraid.origin.json": origin})
    for call in (migrator.up, migrator.adopt):
        with pytest.raises(ProblemsFound) as caught:
            call(database.conninfo)
        assert {problem.code for problem in caught.value.problems} & {
            *("tracker_found", "tracker_ambiguous"),
        }
    assert database.value("SELECT to_regclass('applied_migrations') IS NULL")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 9}', '{"format": 1, "tool": "x"}'])
def test_broken_origin_is_an_error(database, text):
    database.run(GOLANG)
    migrator = pgbraid.load({"1_a.sql": "SELECT 1;", "pgbraid.origin.json": text})
    with pytest.raises(ProblemsFound) as caught:
        migrator.adopt(database.conninfo)
    assert caught.value.problems[0].code == "origin_unreadable"


def test_changes_of_another_project_do_not_stop_adoption(database):
    database.run(
        "CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (change_id text PRIMARY KEY,"
        " script_hash text, change text, project text, planned_at int, committed_at int);"
        "INSERT INTO sqitch.changes VALUES ('1', NULL, 'a', 'one', 1, 1),"
        " ('2', NULL, 'z', 'two', 2, 2)"
    )
    origin = format_origin(Origin("sqitch", (OriginEntry(1, "one:a", "deploy/a.sql"),)))
    migrator = pgbraid.load({"001_a.sql": "SELECT 1;", "pgbraid.origin.json": origin})
    assert [m.version for m in migrator.adopt(database.conninfo).migrations] == [1]


def test_history_of_other_projects_alone_is_not_an_empty_one(database):
    """Files that were not converted have no project; their versions are not found."""
    database.run(
        "CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (change_id text PRIMARY KEY,"
        " script_hash text, change text, project text, planned_at int, committed_at int);"
        "INSERT INTO sqitch.changes VALUES ('1', NULL, 'a', 'one', 1, 1)"
    )
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"001_a.sql": "SELECT 1;"}).adopt(database.conninfo)
    assert caught.value.problems[0].code == "tracker_version_without_file"
