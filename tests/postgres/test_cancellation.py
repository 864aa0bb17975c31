"""A stop ends a run within a second, and reports the state of the work."""

import asyncio
import contextlib
import signal
import threading
import time

import psycopg
import pytest

import pgbraid
from pgbraid.model.events import Interrupted
from pgbraid.postgres.transaction import boundaries
from tests.fixtures.interruption import IGNORES_CANCEL, NO_OTHER_SESSION, SLEEPS, until
from tests.fixtures.nontransactional import HEAD


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("head", ["", HEAD])
def test_migration_that_ignores_cancellation_loses_its_session(cli, folder, database, number, head):
    folder.write(_1_a="CREATE TABLE a ()", _2_b=f"{head}CREATE TABLE t (); {IGNORES_CANCEL}")
    run = cli.start("up")
    until(database, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    signalled_at = time.monotonic()
    run.send_signal(number)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 128 + number
    fate = "is incomplete" if head else "was rolled back"
    assert err.splitlines()[0] == f"ERROR:  stopped; 1 migration applied, 2_b {fate}"
    until(database, NO_OTHER_SESSION)
    assert time.monotonic() - signalled_at < 10  # the limit detects a hang; it measures no time
    assert database.versions() == [1]


def stopped(migrator, database, body, **options):
    """Stop a run while the server sleeps; return the error and the events."""
    stop, emitted, errors = pgbraid.StopToken(), [], []

    def up():
        try:
            migrator.up(database.conninfo, stop=stop, on_event=emitted.append, **options)
        except pgbraid.PgbraidError as error:
            errors.append(error)

    thread = threading.Thread(target=up)
    thread.start()
    until(database, body)
    stop.request()
    thread.join(20)
    assert not thread.is_alive()
    return errors[0], [event for event in emitted if isinstance(event, Interrupted)]


def test_one_request_of_another_thread_is_enough(database):
    error, (reported,) = stopped(pgbraid.load({"1_a.sql": IGNORES_CANCEL}), database, SLEEPS)
    assert isinstance(error, pgbraid.Stopped)
    assert (reported.applied, reported.incomplete) == (False, False)
    assert "1_a was in progress; it was rolled back" in error.detail
    until(database, NO_OTHER_SESSION)


def test_stopped_nontransactional_file_is_not_reported_as_rolled_back(database):
    migrator = pgbraid.load({"1_a.sql": f"{HEAD}CREATE TABLE t (); {IGNORES_CANCEL}"})
    error, (reported,) = stopped(migrator, database, SLEEPS)
    assert (reported.applied, reported.incomplete) == (False, True)
    assert "rolled back" not in f"{error} {error.detail}"


def test_cancelled_task_ends_migration_that_ignores_cancellation(database):
    async def cancel():
        task = asyncio.ensure_future(
            pgbraid.load({"1_a.sql": IGNORES_CANCEL}).aup(database.conninfo)
        )
        await asyncio.to_thread(until, database, SLEEPS)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(cancel(), 20))
    until(database, NO_OTHER_SESSION)
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_connection_lost_before_start_leaves_nothing_incomplete(database):
    """The directive alone does not make a migration incomplete."""
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()", "2_b.sql": f"{HEAD}VACUUM a"})
    migrator.up(database.conninfo, to=1)

    def cut(event):
        if type(event).__name__ == "Started":
            database.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            until(database, NO_OTHER_SESSION)

    with pytest.raises(pgbraid.ConnectionFailed) as caught:
        migrator.up(database.conninfo, on_event=cut)
    assert "2_b was in progress; it was rolled back" in caught.value.detail


def test_second_signal_gives_up_at_once(cli, folder, database):
    folder.write(_1_a=IGNORES_CANCEL)
    run = cli.start("up")
    until(database, SLEEPS)
    run.send_signal(signal.SIGINT)
    time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert run.returncode in {130, -2}, (out, err)
    assert "Traceback" not in err
    with psycopg.connect(database.conninfo) as conn:
        assert conn.execute("SELECT to_regclass('applied_migrations')").fetchone() != (None,)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_that_comes_with_notice_is_not_lost(cli, folder, database, number):
    """The driver swallows exceptions that are raised in its callbacks."""
    text = "DO $$ BEGIN FOR i IN 1..3000000 LOOP RAISE NOTICE 'line %', i; END LOOP; END $$"
    folder.write(_1_a=text)
    run = cli.start("up", "-q")
    until(
        database,
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%RAISE NOTICE%'"
        " AND pid <> pg_backend_pid()",
    )
    time.sleep(0.5)
    run.send_signal(number)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 128 + number
    assert err.splitlines()[0] == "ERROR:  stopped; 0 migrations applied, 1_a was rolled back"
    assert "ignored" not in err


def test_two_signals_in_large_file_commit_no_part_of_it(folder, database, monkeypatch):
    folder.write(_1_a="CREATE TABLE t (n int);\n" + "INSERT INTO t VALUES (1);\n" * 60_000)
    emitted, real, signals = [], boundaries._rollback, []

    def record_event(event):
        emitted.append(event)
        if type(event).__name__ == "FileProgress" and not signals:
            signals.append(1)
            raise KeyboardInterrupt

    def take_back(session, after=None):
        if len(signals) == 1:
            signals.append(2)
            raise KeyboardInterrupt
        real(session, after)

    monkeypatch.setattr(boundaries, "_rollback", take_back)
    with pytest.raises(KeyboardInterrupt):
        folder.load().up(database.conninfo, on_event=record_event)
    assert signals == [1, 2]
    (fate,) = [event for event in emitted if isinstance(event, Interrupted)]
    assert fate.applied is False
    assert database.value("SELECT to_regclass('t')") is None
