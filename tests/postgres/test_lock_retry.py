"""Short waits for locks, retries, blockers, and commits that wait for a standby."""

import contextlib
import threading
import time

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.model.events import BlockedByLock, Retrying, ServerNotice
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir

QUICK = Limits(lock_timeout=0.3, retry_for=30)


@pytest.fixture
def blocker(database):
    """A session that locks table t until it commits."""
    database.run("CREATE TABLE t (x int)")
    with psycopg.connect(database.conninfo, application_name="the dump") as conn:
        conn.execute("SELECT 'hunter2-x' AS password FROM t")
        yield conn


def test_unavailable_lock_rolls_back_and_is_retried(database, blocker):
    emitted = []

    def record_event(event):
        emitted.append(event)
        if isinstance(event, Retrying) and event.attempt == 2:
            blocker.commit()

    files = {
        "1_a.sql": "CREATE TABLE a (); ALTER TABLE t ADD y int",
        "2_b.sql": "CREATE TABLE b ()",
    }
    report = pgbraid.load(files, limits=QUICK).up(database.conninfo, on_event=record_event)
    assert [o.migration.version for o in report.applied] == [1, 2]
    retries = [event for event in emitted if isinstance(event, Retrying)]
    assert [(r.migration.version, r.attempt, r.diagnostic.sqlstate) for r in retries] == [
        (1, 1, "55P03"),
        (1, 2, "55P03"),
    ]
    for retry in retries:
        (holder,) = retry.blockers
        assert f"process {blocker.info.backend_pid} (the dump)" in holder
        assert "idle in transaction, last ran: SELECT" in holder
        assert "hunter2" not in holder
    blocked = [event for event in emitted if isinstance(event, BlockedByLock)]
    assert {event.lock for event in blocked} == {"public.t"}


def test_retries_end_and_error_names_blockers(database, blocker):
    migrator = pgbraid.load(
        {"1_a.sql": "CREATE TABLE a (); ALTER TABLE t ADD y int"},
        limits=Limits(lock_timeout=0.3, retry_for=1),
    )
    with pytest.raises(MigrationFailed) as caught:
        migrator.up(database.conninfo)
    assert caught.value.sqlstate == "55P03"
    assert f"Blocked by process {blocker.info.backend_pid} (the dump)" in caught.value.detail
    assert "Tried " in caught.value.detail
    assert "`retry_for`" in caught.value.hint
    assert database.value("SELECT to_regclass('a')") is None
    assert database.versions() == []
    blocker.commit()
    assert len(migrator.up(database.conninfo).applied) == 1


def test_others_wait_no_longer_than_lock_timeout(database, blocker):
    """Readers of the table queue behind a migration that waits for its lock."""
    stop = pgbraid.StopToken()
    migrator = pgbraid.load({"1_a.sql": "ALTER TABLE t ADD y int"}, limits=QUICK)
    runner = threading.Thread(target=lambda: _up(migrator, database.conninfo, stop))
    runner.start()
    longest = 0.0
    with psycopg.connect(database.conninfo, autocommit=True) as reader:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            started_at = time.monotonic()
            reader.execute("SELECT count(*) FROM t")
            longest = max(longest, time.monotonic() - started_at)
    stop.request()
    runner.join()
    assert 0.1 < longest < 0.3 + 1.0


def _up(migrator, conninfo, stop):
    with contextlib.suppress(pgbraid.Stopped):
        migrator.up(conninfo, stop=stop)


@pytest.mark.parametrize("batch", [False, True])
def test_file_may_have_limits_of_its_own(database, batch):
    show = (
        "INSERT INTO seen VALUES ('{}', current_setting('lock_timeout'),"
        " current_setting('statement_timeout'));"
    )
    files = {
        "1_a.sql": "CREATE TABLE seen (n text, l text, s text);" + show.format(1),
        "2_b.sql": "-- pgbraid: lock-timeout=7s statement-timeout=1h\n" + show.format(2),
        "3_c.sql": show.format(3),
    }
    database.run("CREATE TABLE not_fresh ()")
    limits = Limits(lock_timeout=0.25, statement_timeout=60)
    pgbraid.load(files, limits=limits).up(database.conninfo, batch=batch)
    assert database.rows("SELECT * FROM seen ORDER BY n") == [
        ("1", "250ms", "1min"),
        ("2", "7s", "1h"),
        ("3", "250ms", "1min"),
    ]


def test_deadlock_is_tried_again(database):
    database.run("CREATE TABLE t (x int); CREATE TABLE u (x int); INSERT INTO t VALUES (1)")
    body = "LOCK TABLE t; SELECT pg_sleep(0.5); LOCK TABLE u"
    emitted = []
    with psycopg.connect(database.conninfo) as other:
        other.execute("SET deadlock_timeout = '1h'; LOCK TABLE u")

        def against():
            time.sleep(0.3)
            other.execute("LOCK TABLE t")
            other.commit()

        thread = threading.Thread(target=against)
        thread.start()
        migrator = pgbraid.load({"1_a.sql": body}, limits=Limits(lock_timeout=0))
        report = migrator.up(database.conninfo, on_event=emitted.append)
        thread.join()
    assert len(report.applied) == 1
    assert [e.diagnostic.sqlstate for e in emitted if isinstance(e, Retrying)] == ["40P01"]


def test_other_errors_are_not_tried_again(database):
    emitted = []
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": "SELECT 1/0"}).up(database.conninfo, on_event=emitted.append)
    assert not [event for event in emitted if isinstance(event, Retrying)]


def test_run_that_waits_for_another_try_stops_at_once(database, blocker):
    stop = pgbraid.StopToken()
    migrator = pgbraid.load(
        {"1_a.sql": "ALTER TABLE t ADD y int"}, limits=Limits(lock_timeout=0.01, retry_for=600)
    )

    def record_event(event):
        if isinstance(event, Retrying) and event.attempt == 5:
            threading.Timer(0.1, stop.request).start()

    started_at = time.monotonic()
    with pytest.raises(pgbraid.Stopped):
        migrator.up(database.conninfo, on_event=record_event, stop=stop)
    assert time.monotonic() - started_at < 30
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_undo_retries_lock_timeouts(database, blocker):
    blocker.commit()
    files = {"1_a.sql": "SELECT 1", "1_a.down.sql": "ALTER TABLE t ADD y int"}
    migrator = pgbraid.load(files, limits=QUICK)
    migrator.up(database.conninfo)
    blocker.execute("SELECT FROM t")
    emitted = []

    def record_event(event):
        emitted.append(event)
        if isinstance(event, Retrying):
            blocker.commit()

    migrator.undo(database.conninfo, 1, on_event=record_event)
    assert [type(event) for event in emitted if isinstance(event, Retrying)] == [Retrying]
    assert database.versions() == []


@pytest.fixture
def alone(programs, tmp_path):
    """A server whose commits wait for a standby that does not exist."""
    with embedded_server(tmp_path / "data", programs=programs, cache=cache_dir()) as server:
        with psycopg.connect(server.conninfo, autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET synchronous_standby_names = 'absent'")
            conn.execute("SELECT pg_reload_conf()")
        yield server.conninfo


@pytest.mark.parametrize("large", [False, True])
def test_commit_that_waits_for_absent_standby_is_ended_and_reported(alone, large):
    emitted = []
    text = "CREATE TABLE a ();" + (" " * 1_100_000 if large else "")
    files = {"1_a.sql": text, "1_a.down.sql": "DROP TABLE a"}
    migrator = pgbraid.load(files, limits=Limits(commit_wait=0.5))
    with psycopg.connect(alone, autocommit=True) as conn:
        conn.execute("SET synchronous_commit = local; CREATE TABLE not_fresh ()")
    report = migrator.up(alone, on_event=emitted.append)
    assert [o.migration.version for o in report.applied] == [1]
    expected = [event.diagnostic for event in emitted if isinstance(event, ServerNotice)]
    assert "canceling wait for synchronous replication" in expected[-1].message
    assert "already committed locally" in expected[-1].detail
    with psycopg.connect(alone, autocommit=True) as conn:
        assert conn.execute("SELECT count(*) FROM applied_migrations").fetchone() == (1,)
    migrator.undo(alone, 1)
    edited = {"1_a.sql": text + "-- edited", "1_a.down.sql": "DROP TABLE a"}
    migrator.up(alone)
    pgbraid.load(edited, limits=Limits(commit_wait=0.5)).repair(alone, [1])


def test_blocker_is_named_after_very_short_wait(database):
    database.run("CREATE TABLE t ()")
    limits = Limits(lock_timeout=0.1, retry_for=0)
    migrator = pgbraid.load({"1_a.sql": "ALTER TABLE t ADD x int"}, limits=limits)
    with psycopg.connect(database.conninfo, application_name="the reader") as other:
        other.execute("SELECT FROM t")
        with pytest.raises(MigrationFailed) as caught:
            migrator.up(database.conninfo)
    assert "the reader" in caught.value.detail


def test_blocker_is_named_by_dry_run_too(database):
    database.run("CREATE TABLE t ()")
    migrator = pgbraid.load({"1_a.sql": "ALTER TABLE t ADD x int"})
    with psycopg.connect(database.conninfo, application_name="the reader") as other:
        other.execute("SELECT FROM t")
        report = migrator.up(database.conninfo, dry_run=True)
    ((_, expected),) = report.failures
    assert "the reader" in expected.detail


def test_file_that_only_waited_gets_no_hint_to_change_it(database, cli, folder):
    database.run("CREATE TABLE t ()")
    folder.write(_1_a="ALTER TABLE t ADD x int")
    with psycopg.connect(database.conninfo) as other:
        other.execute("SELECT FROM t")
        answer = cli("up", "--retry-for", "0", code=3)
    assert "Mend" not in answer.err
    assert answer.err.splitlines()[-1] == "1_a was rolled back; nothing was applied."


@pytest.mark.parametrize("table", ["applied_migrations", "applied_migrations_journal"])
def test_locked_applied_set_is_waited_for_and_holder_named(database, table):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, lock_wait=2)
    migrator.up(database.conninfo)
    emitted = []
    with psycopg.connect(database.conninfo, application_name="somebody's") as other:
        other.execute(f"LOCK TABLE {table}")
        with pytest.raises(pgbraid.LockTimeout) as caught:
            migrator.up(database.conninfo, on_event=emitted.append)
    assert "somebody's" in caught.value.detail
    assert [type(event).__name__ for event in emitted] == ["WaitingForLock"]
    assert migrator.up(database.conninfo).previously_applied == 1


def test_check_of_locked_applied_set_does_not_hang(cli, database, folder):
    folder.write(_1_a="SELECT 1")
    cli("up", code=0)
    with psycopg.connect(database.conninfo) as other:
        other.execute("LOCK TABLE applied_migrations")
        answer = cli("check", code=4)
    assert "is locked; waited 5 s" in answer.err


@pytest.fixture(scope="module")
def preparing(programs, tmp_path_factory):
    """A server that allows prepared transactions."""
    folder = tmp_path_factory.mktemp("server") / "db"
    with (
        embedded_server(folder, programs=programs, cache=cache_dir()) as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):
        conn.execute("ALTER SYSTEM SET max_prepared_transactions = 5")
    with embedded_server(folder, programs=programs, cache=cache_dir()) as server:
        yield server.conninfo


@pytest.mark.parametrize("mode", ["ACCESS EXCLUSIVE", "EXCLUSIVE"])
def test_prepared_transaction_that_locks_applied_set_is_named(preparing, mode):
    """No session and no process belongs to it."""
    files = {"1_a.sql": "SELECT 1"}
    pgbraid.load(files).up(preparing)
    migrator = pgbraid.load(
        {**files, "2_b.sql": "SELECT 1"}, lock_wait=2, limits=Limits(retry_for=1)
    )
    with psycopg.connect(preparing) as conn:
        conn.execute(f"LOCK TABLE applied_migrations IN {mode} MODE")
        conn.execute("PREPARE TRANSACTION 'the gid'")
    try:
        with pytest.raises(
            (pgbraid.LockTimeout, pgbraid.MigrationFailed, pgbraid.ServerError)
        ) as e:
            migrator.up(preparing)
    finally:
        with psycopg.connect(preparing, autocommit=True) as conn:
            conn.execute("ROLLBACK PREPARED 'the gid'")
    assert "the prepared transaction 'the gid' (role postgres, prepared 2" in e.value.detail
