import pytest

import pgbraid
from pgbraid.model.errors import ConfigError, MigrationFailed, ProblemsFound

FILES = {
    "1_a.up.sql": "CREATE TABLE a ()",
    "1_a.down.sql": "DROP TABLE a",
    "2_b.up.sql": "CREATE TABLE b ()",
    "2_b.down.sql": "DROP TABLE nowhere",
    "3_c.sql": "SELECT 1",
    "4_d.up.sql": "SELECT 1",
    "4_d.down.sql": "DROP TABLE a;\nCOMMIT;",
}


@pytest.fixture
def migrator(database):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    return migrator


def test_undo_runs_down_file_and_takes_row_out(database, migrator):
    undone = migrator.undo(database.conninfo, 1)
    assert undone.migration.path == "1_a.down.sql"
    assert database.versions() == [2, 3, 4]
    assert database.value("SELECT to_regclass('a') IS NULL")
    assert database.rows(
        "SELECT event, version, statement FROM applied_migrations_journal ORDER BY id DESC LIMIT 1"
    ) == [("undone", 1, "DROP TABLE a")]


def test_undone_version_is_gap_and_runs_again(database, migrator):
    migrator.undo(database.conninfo, 1)
    report = migrator.up(database.conninfo)
    assert [(o.migration.version, o.gap) for o in report.applied] == [(1, True)]


def test_down_file_that_fails_leaves_everything(database, migrator):
    with pytest.raises(MigrationFailed) as caught:
        migrator.undo(database.conninfo, 2)
    assert str(caught.value.diagnostic.location) == "2_b.down.sql:1:1"
    assert database.versions() == [1, 2, 3, 4]
    assert database.value("SELECT to_regclass('b') IS NOT NULL")


@pytest.mark.parametrize(
    ("version", "message"), [(3, "3_c has no down file"), (9, "no migration has version 9")]
)
def test_version_that_cannot_be_undone_is_reported(database, migrator, version, message):
    with pytest.raises(ConfigError, match=message):
        migrator.undo(database.conninfo, version)


def test_version_that_is_not_applied_cannot_be_undone(database, migrator):
    migrator.undo(database.conninfo, 1)
    with pytest.raises(ConfigError, match="1 is not applied"):
        migrator.undo(database.conninfo, 1)


def test_down_file_is_refused_as_up_file_is(database, migrator):
    with pytest.raises(ProblemsFound) as caught:
        migrator.undo(database.conninfo, 4)
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.location)) == ("transaction_control", "4_d.down.sql:2:1")


def test_up_never_runs_down_file(database, migrator):
    assert database.value("SELECT to_regclass('a') IS NOT NULL")
    assert {e for e, _ in database.events()} == {"applied"}


def test_another_migrations_down_file_is_not_run(database, migrator):
    """Two branches used version 1; the down file on disk belongs to the other one."""
    other = {"1_other.up.sql": "CREATE TABLE o ()", "1_other.down.sql": "DROP TABLE b"}
    rest = {name: text for name, text in FILES.items() if not name.startswith("1_")}
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(rest | other).undo(database.conninfo, 1)
    assert [p.code for p in caught.value.problems] == ["version_taken"]
    edited = FILES | {"1_a.up.sql": "CREATE TABLE a (id int)"}
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(edited).undo(database.conninfo, 1)
    assert [p.code for p in caught.value.problems] == ["modified"]
    assert database.versions() == [1, 2, 3, 4]
    assert database.value("SELECT to_regclass('b') IS NOT NULL")


def test_problems_of_other_versions_do_not_stop_undo(database, migrator):
    files = {n: t for n, t in FILES.items() if n != "3_c.sql"} | {"5_e.sql": "COMMIT"}
    assert pgbraid.load(files).undo(database.conninfo, 1).migration.version == 1
