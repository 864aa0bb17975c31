"""An incomplete migration, as status, later runs and older releases see it."""

import psycopg
import pytest

import pgbraid
from pgbraid import MigrationFailed, ProblemsFound
from pgbraid.model.events import Interrupted
from tests.fixtures.interruption import interrupted_run
from tests.fixtures.nontransactional import FOUR, HEAD, invalid


def test_stopped_migration_is_incomplete_and_resumes(double):
    double.run("DELETE FROM big WHERE a = 0")
    emitted = []
    migrator = pgbraid.load({"1_four.sql": FOUR})
    with psycopg.connect(double.conninfo) as other:
        other.execute("SELECT count(*) FROM big")
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        interrupted_run(migrator.up, double.conninfo, on_event=emitted.append, seconds=1)
    (event,) = [event for event in emitted if isinstance(event, Interrupted)]
    assert (event.applied, event.incomplete) == (False, True)
    assert invalid(double) == [("one",)]
    assert double.versions() == []
    assert len(migrator.up(double.conninfo).applied) == 1
    assert invalid(double) == []


def test_status_shows_incomplete_migration_without_file(double):
    """The release with the older folder boots without an error."""
    older = pgbraid.load({"0_before.sql": "SELECT 1"})
    with pytest.raises(MigrationFailed):
        pgbraid.load({"0_before.sql": "SELECT 1", "1_four.sql": FOUR}).up(double.conninfo)
    assert older.up(double.conninfo).previously_applied == 1
    assert [p.code for p in older.status(double.conninfo).problems] == ["incomplete_missing"]


@pytest.fixture
def older_release(database):
    """A release whose folder lacks a migration that a newer release left incomplete."""
    older = {"1_a.sql": "CREATE TABLE a ()"}
    newer = {**older, "2_x.sql": HEAD + "CREATE TABLE b (); SELECT 1 / 0; VACUUM b"}
    with pytest.raises(MigrationFailed):
        pgbraid.load(newer).up(database.conninfo)
    return older


def test_older_release_starts_with_warning_of_incomplete_migration(database, older_release):
    migrator = pgbraid.load(older_release)
    report = migrator.up(database.conninfo)
    assert [problem.code for problem in report.warnings] == ["incomplete_missing"]
    assert not migrator.plan(database.conninfo).errors
    check = migrator.check(database.conninfo)
    assert [problem.code for problem in check.problems] == ["incomplete_missing"]
    assert not check.ok
    rows = [(row.version, row.state.value) for row in migrator.status(database.conninfo).rows]
    assert rows == [(1, "applied"), (2, "incomplete")]


def test_pending_migration_waits_for_incomplete_one_of_other_release(database, older_release):
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({**older_release, "3_c.sql": "CREATE TABLE c ()"}).up(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["incomplete_missing"]


def test_applied_set_without_journal_has_nothing_incomplete(database):
    """Another program created it, or the role may not read the journal."""
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"})
    migrator.up(database.conninfo)
    database.run("ALTER TABLE applied_migrations_journal RENAME TO elsewhere")
    assert migrator.up(database.conninfo).previously_applied == 1
    assert migrator.check(database.conninfo).ok
