"""An exception that another library raises while a statement runs ends the statement.

Celery's soft time limit, pytest-timeout, a SIGTERM handler that calls sys.exit, and Dramatiq's time
limit raise in the thread that migrates; the library cannot know their classes.
"""

import asyncio
import ctypes
import logging
import os
import signal
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest

import pgbraid
from pgbraid.cli import main
from tests.fixtures.interruption import IGNORES_CANCEL, NO_OTHER_SESSION, SLEEPS, until
from tests.fixtures.nontransactional import HEAD

SLOW = "CREATE TABLE b (i int); SELECT pg_sleep(2)"


class SoftTimeLimitExceeded(Exception):
    """The class of Celery."""


class Interrupt(BaseException):
    """The class of Dramatiq."""


KINDS = [SystemExit, TimeoutError, SoftTimeLimitExceeded, Interrupt, KeyboardInterrupt]


@contextmanager
def raised_by_a_signal(kind, database, when=SLEEPS, times=1):
    """Let a signal handler raise in this thread once a query is true."""

    def handler(number, frame):
        raise kind(f"{kind.__name__} of the handler")

    def send():
        until(database, when)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.2)

    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def interrupted(migrator, database, kind, **signalled):
    """Run until a signal handler raises; return the exception and the events."""
    events = []
    with (
        pytest.raises(kind, match="of the handler") as caught,
        raised_by_a_signal(kind, database, **signalled),
    ):
        migrator.up(database.conninfo, on_event=events.append)
    fates = [event for event in events if type(event).__name__ == "Interrupted"]
    return caught.value, fates


def two(second, first="CREATE TABLE a ()"):
    return pgbraid.load({"1_a.sql": first, "2_b.sql": second})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fresh", [True, False])
def test_exception_of_handler_ends_statement_and_reports_outcome(database, kind, fresh):
    migrator = two(SLOW)
    if not fresh:
        migrator.up(database.conninfo, to=1)
    error, (fate,) = interrupted(migrator, database, kind)
    assert (fate.step.migration.version, fate.applied) == (2, False)
    assert "2_b was in progress; it was rolled back" in error.__notes__[0]
    until(database, NO_OTHER_SESSION)
    time.sleep(2)  # the server would commit the migration meanwhile
    assert database.versions() == [1]
    assert database.value("SELECT to_regclass('b')") is None


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_exception_of_handler_ends_migration_that_catches_cancellation(database, kind):
    error, (fate,) = interrupted(two(IGNORES_CANCEL), database, kind)
    assert fate.applied is False
    assert "rolled back" in error.__notes__[0]
    until(database, NO_OTHER_SESSION)
    assert database.versions() == [1]


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_interrupted_file_outside_transaction_is_reported_as_incomplete(database, kind):
    migrator = two(f"{HEAD}CREATE TABLE b ();\nSELECT pg_sleep(30)")
    error, (fate,) = interrupted(migrator, database, kind)
    assert (fate.applied, fate.incomplete) == (False, True)
    assert "2_b was in progress; it is incomplete" in error.__notes__[0]
    until(database, NO_OTHER_SESSION)


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_exception_in_middle_of_copy_data_is_raised_as_it_is(database, kind, caplog):
    """During COPY, the server waits for the end of the data and sends nothing."""
    waiting = (
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'COPY t%'"
        " AND state = 'active' AND datname = current_database()"
    )
    slow = (
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;"
        "CREATE TABLE t (s text);"
        "CREATE TRIGGER slow BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION slow();\n"
    )
    rows = ("x" * 2000 + "\n") * 2500
    migrator = two(f"COPY t FROM stdin;\n{rows}\\.\n", first=slow)
    with caplog.at_level(logging.CRITICAL, "psycopg"):
        error, (fate,) = interrupted(migrator, database, kind, when=waiting)
    assert fate.applied is False
    assert "rolled back" in error.__notes__[0]
    until(database, NO_OTHER_SESSION)
    assert database.value("SELECT count(*) FROM t") == 0


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_exception_that_comes_with_notice_is_not_lost(database, kind):
    """The driver swallows exceptions that are raised in its callbacks."""
    migrator = pgbraid.load(
        {"1_a.sql": "DO $$ BEGIN RAISE NOTICE 'a'; PERFORM pg_sleep(30); END $$"}
    )

    def record_event(event):
        events.append(event)
        if type(event).__name__ == "ServerNotice":
            raise kind("of the listener")

    events = []
    with pytest.raises(kind, match="of the listener") as caught:
        migrator.up(database.conninfo, on_event=record_event)
    assert "1_a was in progress; it was rolled back" in caught.value.__notes__[0]
    until(database, NO_OTHER_SESSION)
    assert database.versions() == []


def test_second_exception_leaves_nothing_running(database):
    """The first ends the statement; the second arrives while pgbraid waits for the end."""
    _, fates = interrupted(two(IGNORES_CANCEL), database, Interrupt, times=2)
    assert [fate.applied for fate in fates] in ([False], [])
    until(database, NO_OTHER_SESSION)
    assert database.versions() == [1]


def test_exception_that_is_put_into_thread_ends_statement(database):
    """As Dramatiq and pytest-timeout do."""
    events, errors = [], []

    def up():
        try:
            two(SLOW).up(database.conninfo, on_event=events.append)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    thread = threading.Thread(target=up)
    thread.start()
    until(database, SLEEPS)
    put = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert put(ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupt)) == 1
    thread.join(20)
    assert isinstance(errors[0], Interrupt)
    assert "rolled back" in errors[0].__notes__[0]
    assert [type(event).__name__ for event in events[-2:]] == ["Interrupted", "RunEnded"]
    until(database, NO_OTHER_SESSION)
    assert database.versions() == [1]


def test_exception_lists_committed_migrations(database):
    error, _ = interrupted(two(SLOW), database, SystemExit)
    assert error.__notes__ == [
        "pgbraid: 2_b was in progress; it was rolled back.",
        "pgbraid: 1 migration applied.",
    ]


@pytest.mark.parametrize("verb", ["rehearse", "undo", "resume"])
def test_other_verbs_leave_nothing_running_either(database, folder, verb):
    sleeps = "SELECT pg_sleep(30)"
    folder.put("1_a.sql", "CREATE TABLE a ()").put("1_a.down.sql", sleeps)
    migrator = folder.load()
    migrator.up(database.conninfo)
    calls = {
        "undo": lambda: migrator.undo(database.conninfo, 1),
        "rehearse": lambda: (
            folder.put("2_b.sql", sleeps).load().up(database.conninfo, dry_run=True)
        ),
        "resume": lambda: migrator.resume(database.conninfo, 2, how="retry"),
    }
    if verb == "resume":
        migrator = folder.put("2_b.sql", f"{HEAD}CREATE TABLE b (); {sleeps}").load()
        interrupted(migrator, database, SystemExit)
    with pytest.raises(SystemExit), raised_by_a_signal(SystemExit, database):
        calls[verb]()
    until(database, NO_OTHER_SESSION)
    assert database.versions() == [1]


def test_lost_connection_does_not_take_exceptions_place(database):
    """No session is left that could roll back."""

    def record_event(event):
        if type(event).__name__ == "ServerNotice":
            with psycopg.connect(database.conninfo, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            raise TimeoutError("of the listener")

    notice = "DO $$ BEGIN RAISE NOTICE 'a'; PERFORM pg_sleep(30); END $$"
    with pytest.raises(TimeoutError, match="of the listener"):
        pgbraid.load({"1_a.sql": notice}).up(database.conninfo, on_event=record_event)
    until(database, NO_OTHER_SESSION)


@pytest.mark.parametrize("kind", [SystemExit, Interrupt])
def test_exception_in_event_loop_ends_run_of_its_thread(database, kind):
    with pytest.raises(kind), raised_by_a_signal(kind, database):
        asyncio.run(two(SLOW).aup(database.conninfo))
    assert database.value(NO_OTHER_SESSION)
    assert database.versions() == [1]


def test_coroutine_that_is_closed_ends_run_of_its_thread(database):
    """As a coroutine whose event loop was closed."""

    async def close():
        run = two(SLOW).aup(database.conninfo).__await__()
        next(run)
        await asyncio.to_thread(until, database, SLEEPS)
        run.close()

    asyncio.run(close())
    until(database, NO_OTHER_SESSION)
    assert database.versions() == [1]


def test_program_called_in_thread_leaves_signals_to_process(capsys):
    codes = []
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(
        target=lambda: codes.append(main(["check", "--offline", "--dir", "nowhere"]))
    )
    thread.start()
    thread.join()
    assert codes == [2]
    assert signal.getsignal(signal.SIGTERM) is before
