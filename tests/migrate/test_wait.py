"""`ready` waits for what a migrator is about to change, and gives up on what it cannot."""

import copy

import psycopg
import pytest

import pgbraid
from pgbraid.migrate import wait
from tests.fixtures.waits import load, waiting

A = {"1_a.sql": "CREATE TABLE a ()"}
B = {"2_b.sql": "CREATE TABLE b ()"}
C = {"3_c.sql": "CREATE TABLE c ()"}
FALSE_START = {"2_b.sql": "-- pgbraid: no-transaction\nSELECT 1 / 0;"}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Ask more often than each second."""
    monkeypatch.setattr(wait, "_PAUSE", 0.05)
    monkeypatch.setattr(wait, "_SECOND_LOOK", 0.01)


def timed_out(files, database, *, url=None, **options):
    """Return the error of a wait that asks once."""
    with pytest.raises(pgbraid.NotReady) as caught:
        load(files).ready(url or database.conninfo, timeout=0, **options)
    return caught.value


def test_up_to_date_database_is_ready_after_one_question(database):
    load(A | B).up(database.conninfo)
    readiness = load(A | B).ready(database.conninfo)
    assert (readiness.ready, readiness.applied, readiness.asked) == (True, 2, 1)
    assert (readiness.missing, readiness.problems, readiness.newer) == ((), (), ())


def test_wait_that_times_out_names_what_is_missing(database):
    load(A).up(database.conninfo)
    error = timed_out(A | B | C, database)
    assert [m.version for m in error.readiness.missing] == [2, 3]
    assert str(error).startswith("not ready: 2 migrations are not applied: 2_b, 3_c; waited ")
    assert isinstance(error, pgbraid.ProblemsFound)


def test_wait_ends_when_migrator_has_applied_all(database):
    with waiting(A | B, database.conninfo) as reasons:
        reasons.until("2 migrations are not applied: 1_a, 2_b")
        load(A).up(database.conninfo)
        reasons.until("1 migration is not applied: 2_b")
        load(A | B).up(database.conninfo)
    assert reasons.result.ready
    assert reasons.result.asked > 2


def test_wait_writes_and_locks_nothing(database):
    load(A).up(database.conninfo)
    xid = database.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    with waiting(A | B, database.conninfo) as reasons:
        reasons.until("2_b")
        with psycopg.connect(database.conninfo) as conn:
            conn.execute("LOCK TABLE applied_migrations IN ROW EXCLUSIVE MODE NOWAIT")
            assert conn.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            ).fetchone() == (0,)
            conn.rollback()
        assert database.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text") == xid
        load(A | B).up(database.conninfo)


def test_newer_database_is_ready_unless_exact(database):
    load(A | B | C).up(database.conninfo)
    readiness = load(B).ready(database.conninfo)
    assert (readiness.applied, readiness.newer) == (3, (1, 3))
    assert readiness.problems == ()
    error = timed_out(B, database, exact=True)
    assert [p.code for p in error.readiness.problems] == ["missing_file"]
    assert error.readiness.missing == ()


def test_folder_without_migrations_is_wrong_and_not_older(database):
    load(A).up(database.conninfo)
    check = load({}).check(database.conninfo, newer_ok=True)
    assert [p.code for p in check.problems if p.severity == "error"] == ["missing_file"]
    with pytest.raises(pgbraid.ProblemsFound):
        load({}).ready(database.conninfo, timeout=60)


def test_release_that_has_deleted_all_applied_files_is_waited_for(database):
    load(A).up(database.conninfo)
    with waiting(B, database.conninfo) as reasons:
        reasons.until("1 migration is not applied: 2_b")
        load(B).up(database.conninfo)
    assert (reasons.result.ready, reasons.result.newer) == (True, (1,))


def test_exact_wait_ends_when_newer_version_is_undone(database, folder):
    folder.write(_1_a=A["1_a.sql"], _2_b=B["2_b.sql"])
    folder.put("2_b.down.sql", "DROP TABLE b")
    folder.load().up(database.conninfo)
    with waiting(A, database.conninfo, exact=True) as reasons:
        reasons.until("has no file here")
        folder.load().undo(database.conninfo, 2)
    assert reasons.result.ready


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"1_other.sql": A["1_a.sql"]}, "renamed"),
        ({"1_other.sql": "SELECT 2"}, "version_taken"),
        ({"1_a.sql": "SELECT 2"}, "modified"),
        (A | {"2_b.sql": "BEGIN; SELECT 1; COMMIT; SELECT 2"}, "transaction_control"),
        (A | B | {"02_x.sql": "SELECT 1"}, "duplicate_version"),
        (A | {"2-b.SQL": "SELECT 1"}, "near_miss"),
    ],
)
def test_what_no_migrator_can_change_is_error_at_once(database, files, code):
    load(A).up(database.conninfo)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(files).ready(database.conninfo, timeout=60)
    assert code in {problem.code for problem in caught.value.problems}
    assert not isinstance(caught.value, pgbraid.NotReady)


def test_file_that_another_release_applies_with_other_text_ends_wait(database):
    with waiting(A | B, database.conninfo) as reasons:
        reasons.until("not applied")
        load(A | {"2_b.sql": "SELECT 2"}).up(database.conninfo)
    assert [p.code for p in reasons.result.problems] == ["modified"]


@pytest.mark.parametrize("verify", ["off", "warn"])
def test_wait_follows_check_in_what_it_verifies(database, verify):
    load(A).up(database.conninfo)
    changed = load({"1_a.sql": "SELECT 2"}, verify=verify)
    yes = changed.check(database.conninfo, newer_ok=True).ok
    if yes:
        assert changed.ready(database.conninfo, timeout=0).ready
    else:
        with pytest.raises(pgbraid.ProblemsFound):
            changed.ready(database.conninfo, timeout=0)


def test_incomplete_migration_is_waited_for(database):
    with pytest.raises(pgbraid.MigrationFailed):
        load(A | FALSE_START).up(database.conninfo)
    error = timed_out(A | FALSE_START, database)
    assert [p.code for p in error.readiness.problems] == ["incomplete"]
    assert "resume" in error.readiness.problems[0].hint
    with waiting(A | FALSE_START, database.conninfo) as reasons:
        reasons.until("2_b is incomplete")
        load(A | FALSE_START).resume(database.conninfo, 2, how="skip")
    assert reasons.result.ready


def test_incomplete_migration_of_newer_release_keeps_older_one_ready(database):
    with pytest.raises(pgbraid.MigrationFailed):
        load(A | FALSE_START).up(database.conninfo)
    check = load(A).check(database.conninfo, newer_ok=True)
    assert check.ok
    assert [(p.code, p.severity) for p in check.problems] == [("incomplete_missing", "warning")]
    assert load(A).ready(database.conninfo).ready
    assert not load(A).check(database.conninfo).ok


def test_failed_migrator_is_waited_for_and_then_corrected(database):
    with waiting(A | B, database.conninfo) as reasons:
        reasons.until("not applied")
        database.run("CREATE TABLE b ()")
        with pytest.raises(pgbraid.MigrationFailed):
            load(A | B).up(database.conninfo)
        reasons.until("1 migration is not applied: 2_b")
        database.run("DROP TABLE b")
        load(A | B).up(database.conninfo)
    assert reasons.result.ready


def test_history_of_another_tool_is_waited_for_until_it_is_adopted(database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT"
        " NULL); INSERT INTO schema_migrations VALUES (1, true)"
    )
    with waiting(A | B, database.conninfo) as reasons:
        reasons.until("schema_migrations")
        database.run("UPDATE schema_migrations SET dirty = false")
        load(A | B).up(database.conninfo)
    assert reasons.result.ready


def test_locked_table_is_waited_for(database):
    load(A).up(database.conninfo)
    with waiting(A, database.conninfo) as reasons:
        pass
    assert reasons.result.ready
    with psycopg.connect(database.conninfo) as conn:
        conn.execute("LOCK TABLE applied_migrations IN ACCESS EXCLUSIVE MODE")
        with waiting(A, database.conninfo) as reasons:
            reasons.until("applied_migrations or its journal is locked")
            conn.rollback()
    assert reasons.result.ready


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("DROP TABLE applied_migrations", "applied_rows_missing"),
        ("DELETE FROM applied_migrations WHERE version = 1", "applied_rows_missing"),
        ("ALTER TABLE applied_migrations RENAME TO other_migrations", "applied_rows_missing"),
    ],
)
def test_damaged_ledger_is_error_as_for_check(database, damage, code):
    load(A | B).up(database.conninfo)
    database.run(damage)
    assert code in {p.code for p in load(A | B).check(database.conninfo, newer_ok=True).problems}
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(A | B).ready(database.conninfo, timeout=60)
    assert code in {problem.code for problem in caught.value.problems}


def test_dropped_ledger_is_waited_for_until_it_is_recorded_again(database):
    load(A | B).up(database.conninfo)
    database.run("DROP TABLE applied_migrations, applied_migrations_journal")
    with waiting(A | B, database.conninfo) as reasons:
        reasons.until("2 migrations are not applied")
        load(A | B).baseline(database.conninfo, 2)
    assert reasons.result.ready


def test_table_that_is_no_ledger_is_error_at_once(database):
    database.run("CREATE VIEW applied_migrations AS SELECT 1 AS version")
    with pytest.raises(pgbraid.ServerError, match="is not an applied set"):
        load(A).ready(database.conninfo, timeout=60)


def test_role_without_any_right_ends_as_not_ready(database, role):
    load(A).up(database.conninfo)
    error = timed_out(A, database, url=database.as_role(role))
    assert "permission denied" in str(error)
    assert error.readiness.reason.startswith("permission denied")
    assert [m.version for m in error.readiness.missing] == [1]


@pytest.mark.parametrize("timeout", [-1, "1s", None, True, float("nan")])
def test_invalid_timeout_is_refused(timeout):
    with pytest.raises(pgbraid.ConfigError, match="`timeout` must be a number of seconds"):
        load(A).ready("postgresql://u@127.0.0.1:1/d", timeout=timeout)


def test_squash_of_newer_release_is_not_ready_for_older_one(database):
    baseline = {"2_base.sql": "-- pgbraid: replaces=1-2\nCREATE TABLE a (); CREATE TABLE b ();"}
    load(baseline).up(database.conninfo)
    with pytest.raises(pgbraid.ProblemsFound):
        load(A | B).ready(database.conninfo, timeout=60)


def test_baseline_is_ready_once_older_release_has_applied_what_it_replaces(database):
    text = "-- pgbraid: replaces=1-2\nCREATE TABLE a (); CREATE TABLE b ();"
    load(A).up(database.conninfo)
    with waiting({"2_base.sql": text}, database.conninfo) as reasons:
        reasons.until("2_base")
        load(A | B).up(database.conninfo)
    assert reasons.result.ready


def test_error_is_copied_with_its_answer(database):

    error = timed_out(A, database)
    again = copy.copy(error)
    assert again.readiness == error.readiness
    assert str(again) == str(error)
