"""A stop ends within a second whatever the server does, and says what became of the work."""

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

DEAF = """DO $$ BEGIN
    BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN query_canceled THEN NULL; END;
    PERFORM pg_sleep(30);
END $$"""
"""A body that hears the cancelling and goes on."""
HEAD = "-- pgbraid: no-transaction\n"


NOBODY = (
    "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("head", ["", HEAD])
def test_a_body_that_does_not_heed_the_cancelling_loses_its_session(
    cli, folder, database, number, head
):
    folder.write(_1_a="CREATE TABLE a ()", _2_b=f"{head}CREATE TABLE t (); {DEAF}")
    run = cli.start("up")
    until(database, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    begun = time.monotonic()
    run.send_signal(number)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 128 + number
    fate = "is incomplete" if head else "was rolled back"
    assert err.splitlines()[0] == f"ERROR:  stopped; 1 migration applied, 2_b {fate}"
    until(database, NOBODY)
    assert time.monotonic() - begun < 10  # a hang, not a time, is what fails here
    assert database.versions() == [1]


def until(database, question):
    for _ in range(400):
        if database.value(question):
            return
        time.sleep(0.05)
    raise AssertionError(question)


def stopped(braid, database, body, **options):
    """What a stop in the middle of a sleep of the server's raises and tells."""
    stop, heard, found = pgbraid.StopToken(), [], []

    def up():
        try:
            braid.up(database.conninfo, stop=stop, on_event=heard.append, **options)
        except pgbraid.PgbraidError as error:
            found.append(error)

    thread = threading.Thread(target=up)
    thread.start()
    until(database, body)
    stop.request()
    thread.join(20)
    assert not thread.is_alive()
    return found[0], [event for event in heard if isinstance(event, Interrupted)]


SLEEPS = (
    "SELECT count(*) > 0 FROM pg_stat_activity"
    " WHERE wait_event = 'PgSleep' AND datname = current_database()"
)


def test_one_request_of_another_thread_is_enough(database):
    error, (told,) = stopped(pgbraid.load({"1_a.sql": DEAF}), database, SLEEPS)
    assert isinstance(error, pgbraid.Stopped)
    assert (told.applied, told.incomplete) == (False, False)
    assert "1_a was in progress; it was rolled back" in error.detail
    until(database, NOBODY)


def test_what_is_half_done_is_not_said_to_be_rolled_back(database):
    braid = pgbraid.load({"1_a.sql": f"{HEAD}CREATE TABLE t (); {DEAF}"})
    error, (told,) = stopped(braid, database, SLEEPS)
    assert (told.applied, told.incomplete) == (False, True)
    assert "rolled back" not in f"{error} {error.detail}"


def test_a_cancelled_task_ends_a_body_that_does_not_heed_it(database):
    async def cancel():
        task = asyncio.ensure_future(pgbraid.load({"1_a.sql": DEAF}).aup(database.conninfo))
        await asyncio.to_thread(until, database, SLEEPS)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(cancel(), 20))
    until(database, NOBODY)
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_a_connection_lost_before_the_file_is_begun_leaves_nothing_half_done(database):
    """Its directive alone does not make it so."""
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE a ()", "2_b.sql": f"{HEAD}VACUUM a"})
    braid.up(database.conninfo, to=1)

    def cut(event):
        if type(event).__name__ == "Started":
            database.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            until(database, NOBODY)

    with pytest.raises(pgbraid.ConnectionFailed) as caught:
        braid.up(database.conninfo, on_event=cut)
    assert "2_b was in progress; it was rolled back" in caught.value.detail


def test_a_second_signal_gives_up_at_once(cli, folder, database):
    folder.write(_1_a=DEAF)
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
def test_a_signal_that_comes_with_a_notice_is_not_lost(cli, folder, database, number):
    """An exception of the handler's is lost where the driver calls back."""
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


def test_two_signals_in_a_large_file_commit_no_half_of_it(folder, database, monkeypatch):
    folder.write(_1_a="CREATE TABLE t (n int);\n" + "INSERT INTO t VALUES (1);\n" * 60_000)
    heard, real, signals = [], boundaries._rollback, []

    def hear(event):
        heard.append(event)
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
        folder.load().up(database.conninfo, on_event=hear)
    assert signals == [1, 2]
    (fate,) = [event for event in heard if isinstance(event, Interrupted)]
    assert fate.applied is False
    assert database.value("SELECT to_regclass('t')") is None
