"""An exception of another program's, raised while a statement runs, ends that statement.

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

SLEEPS = (
    "SELECT count(*) > 0 FROM pg_stat_activity"
    " WHERE wait_event = 'PgSleep' AND datname = current_database()"
)
NOBODY = (
    "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid()"
)
HEAD = "-- pgbraid: no-transaction\n"
SLOW = "CREATE TABLE b (i int); SELECT pg_sleep(2)"
DEAF = """DO $$ BEGIN
    BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN query_canceled THEN NULL; END;
    PERFORM pg_sleep(30);
END $$"""


class SoftTimeLimitExceeded(Exception):
    """As Celery has it."""


class Interrupt(BaseException):
    """As Dramatiq has it."""


KINDS = [SystemExit, TimeoutError, SoftTimeLimitExceeded, Interrupt, KeyboardInterrupt]


def until(database, question):
    for _ in range(400):
        if database.value(question):
            return
        time.sleep(0.05)
    raise AssertionError(question)


@contextmanager
def raised_by_a_signal(kind, database, when=SLEEPS, times=1):
    """Have a signal's handler raise in this thread once the database says so."""

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


def interrupted(braid, database, kind, **signalled):
    """What a run raises and tells where a signal's handler raises in the middle of it."""
    heard = []
    with (
        pytest.raises(kind, match="of the handler") as caught,
        raised_by_a_signal(kind, database, **signalled),
    ):
        braid.up(database.conninfo, on_event=heard.append)
    fates = [event for event in heard if type(event).__name__ == "Interrupted"]
    return caught.value, fates


def two(second, first="CREATE TABLE a ()"):
    return pgbraid.load({"1_a.sql": first, "2_b.sql": second})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fresh", [True, False])
def test_an_exception_of_a_handler_ends_the_statement_and_says_what_became_of_it(
    database, kind, fresh
):
    braid = two(SLOW)
    if not fresh:
        braid.up(database.conninfo, to=1)
    error, (fate,) = interrupted(braid, database, kind)
    assert (fate.step.migration.version, fate.applied) == (2, False)
    assert "2_b was in progress; it was rolled back" in error.__notes__[0]
    until(database, NOBODY)
    time.sleep(2)  # the server would commit it meanwhile
    assert database.versions() == [1]
    assert database.value("SELECT to_regclass('b')") is None


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_an_exception_of_a_handler_ends_a_body_that_catches_the_cancelling(database, kind):
    error, (fate,) = interrupted(two(DEAF), database, kind)
    assert fate.applied is False
    assert "rolled back" in error.__notes__[0]
    until(database, NOBODY)
    assert database.versions() == [1]


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_what_no_transaction_holds_is_said_to_be_half_done(database, kind):
    braid = two(f"{HEAD}CREATE TABLE b ();\nSELECT pg_sleep(30)")
    error, (fate,) = interrupted(braid, database, kind)
    assert (fate.applied, fate.incomplete) == (False, True)
    assert "2_b was in progress; it is incomplete" in error.__notes__[0]
    until(database, NOBODY)


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_an_exception_in_the_middle_of_copy_data_is_raised_as_it_is(database, kind, caplog):
    """The server waits for the data's end then, and answers nothing."""
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
    braid = two(f"COPY t FROM stdin;\n{rows}\\.\n", first=slow)
    with caplog.at_level(logging.CRITICAL, "psycopg"):
        error, (fate,) = interrupted(braid, database, kind, when=waiting)
    assert fate.applied is False
    assert "rolled back" in error.__notes__[0]
    until(database, NOBODY)
    assert database.value("SELECT count(*) FROM t") == 0


@pytest.mark.parametrize("kind", [SystemExit, SoftTimeLimitExceeded])
def test_an_exception_that_comes_with_a_notice_is_not_lost(database, kind):
    """The driver would swallow what is raised where it calls back."""
    braid = pgbraid.load({"1_a.sql": "DO $$ BEGIN RAISE NOTICE 'a'; PERFORM pg_sleep(30); END $$"})

    def hear(event):
        heard.append(event)
        if type(event).__name__ == "ServerNotice":
            raise kind("of the listener")

    heard = []
    with pytest.raises(kind, match="of the listener") as caught:
        braid.up(database.conninfo, on_event=hear)
    assert "1_a was in progress; it was rolled back" in caught.value.__notes__[0]
    until(database, NOBODY)
    assert database.versions() == []


def test_a_second_exception_leaves_nothing_running(database):
    """The first ends the statement, and the second comes while that is waited for."""
    _, fates = interrupted(two(DEAF), database, Interrupt, times=2)
    assert [fate.applied for fate in fates] in ([False], [])
    until(database, NOBODY)
    assert database.versions() == [1]


def test_an_exception_that_is_put_into_a_thread_ends_the_statement(database):
    """As Dramatiq and pytest-timeout put one there."""
    heard, found = [], []

    def up():
        try:
            two(SLOW).up(database.conninfo, on_event=heard.append)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            found.append(error)

    thread = threading.Thread(target=up)
    thread.start()
    until(database, SLEEPS)
    put = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert put(ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupt)) == 1
    thread.join(20)
    assert isinstance(found[0], Interrupt)
    assert "rolled back" in found[0].__notes__[0]
    assert type(heard[-1]).__name__ == "Interrupted"
    until(database, NOBODY)
    assert database.versions() == [1]


def test_what_was_committed_before_is_said_with_the_exception(database):
    error, _ = interrupted(two(SLOW), database, SystemExit)
    assert error.__notes__ == [
        "pgbraid: 2_b was in progress; it was rolled back.",
        "pgbraid: 1 migration applied.",
    ]


@pytest.mark.parametrize("verb", ["rehearse", "undo", "resume"])
def test_other_verbs_leave_nothing_running_either(database, folder, verb):
    sleeps = "SELECT pg_sleep(30)"
    folder.put("1_a.sql", "CREATE TABLE a ()").put("1_a.down.sql", sleeps)
    braid = folder.load()
    braid.up(database.conninfo)
    calls = {
        "undo": lambda: braid.undo(database.conninfo, 1),
        "rehearse": lambda: (
            folder.put("2_b.sql", sleeps).load().up(database.conninfo, dry_run=True)
        ),
        "resume": lambda: braid.resume(database.conninfo, 2, how="retry"),
    }
    if verb == "resume":
        braid = folder.put("2_b.sql", f"{HEAD}CREATE TABLE b (); {sleeps}").load()
        interrupted(braid, database, SystemExit)
    with pytest.raises(SystemExit), raised_by_a_signal(SystemExit, database):
        calls[verb]()
    until(database, NOBODY)
    assert database.versions() == [1]


def test_a_lost_connection_does_not_take_the_exceptions_place(database):
    """Nobody is left to roll anything back then."""

    def hear(event):
        if type(event).__name__ == "ServerNotice":
            with psycopg.connect(database.conninfo, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            raise TimeoutError("of the listener")

    notice = "DO $$ BEGIN RAISE NOTICE 'a'; PERFORM pg_sleep(30); END $$"
    with pytest.raises(TimeoutError, match="of the listener"):
        pgbraid.load({"1_a.sql": notice}).up(database.conninfo, on_event=hear)
    until(database, NOBODY)


@pytest.mark.parametrize("kind", [SystemExit, Interrupt])
def test_an_exception_in_the_event_loop_ends_the_run_of_its_thread(database, kind):
    with pytest.raises(kind), raised_by_a_signal(kind, database):
        asyncio.run(two(SLOW).aup(database.conninfo))
    assert database.value(NOBODY)
    assert database.versions() == [1]


def test_a_coroutine_that_is_closed_ends_the_run_of_its_thread(database):
    """As one is whose event loop is not there any more."""

    async def close():
        run = two(SLOW).aup(database.conninfo).__await__()
        next(run)
        await asyncio.to_thread(until, database, SLEEPS)
        run.close()

    asyncio.run(close())
    until(database, NOBODY)
    assert database.versions() == [1]


def test_the_program_called_in_a_thread_leaves_signals_to_the_process(capsys):
    codes = []
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(
        target=lambda: codes.append(main(["check", "--offline", "--dir", "nowhere"]))
    )
    thread.start()
    thread.join()
    assert codes == [2]
    assert signal.getsignal(signal.SIGTERM) is before
