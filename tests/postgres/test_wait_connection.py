"""`ready` while servers, databases, roles and event loops come and go."""

import asyncio
import socket
import threading

import pytest
from psycopg.conninfo import make_conninfo

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


def test_role_that_may_not_read_yet_is_waited_for(database, role):
    url = database.as_role(role)
    with waiting(A, url) as reasons:
        reasons.until("not applied")
        load(A).up(database.conninfo)
        reasons.until("permission denied")
        database.run(f"GRANT SELECT ON applied_migrations, applied_migrations_journal TO {role}")
    assert reasons.result.ready


def test_role_that_may_read_only_applied_set_is_ready_as_for_check(database, role):
    load(A).up(database.conninfo)
    database.run(f"GRANT SELECT ON applied_migrations TO {role}")
    assert load(A).check(database.as_role(role)).ok
    assert load(A).ready(database.as_role(role), timeout=0).ready


def test_missing_database_is_waited_for(database, server):
    name = f"{database.value('SELECT current_database()')}_late"
    url = make_conninfo(server, dbname=name)
    try:
        with waiting(A, url) as reasons:
            reasons.until("does not exist")
            database.run(f"CREATE DATABASE {name}")
            load(A).up(url)
        assert reasons.result.ready
    finally:
        database.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_database_that_is_dropped_meanwhile_is_waited_for(database, server):
    name = f"{database.value('SELECT current_database()')}_twice"
    url = make_conninfo(server, dbname=name)
    database.run(f"CREATE DATABASE {name}")
    try:
        with waiting(A, url) as reasons:
            reasons.until("not applied")
            database.run(f"DROP DATABASE {name} WITH (FORCE)")
            reasons.until("does not exist")
            database.run(f"CREATE DATABASE {name}")
            load(A).up(url)
        assert reasons.result.ready
    finally:
        database.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_ended_session_is_replaced(database):
    with waiting(A, database.conninfo) as reasons:
        reasons.until("not applied")
        database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        reasons.until("was lost")
        load(A).up(database.conninfo)
    assert reasons.result.ready


def test_server_that_never_answers_is_no_connection():
    with pytest.raises(pgbraid.ConnectionFailed) as caught:
        load(A).ready("postgresql://u@127.0.0.1:1/d", timeout=0.2)
    assert caught.value.detail.splitlines()[-1].startswith("Waited ")


def test_two_schemas_are_ready_one_by_one(database):
    database.run("CREATE SCHEMA one; CREATE SCHEMA two")
    one, two = (load(A, schema=name, ledgers="many", search_path=name) for name in ("one", "two"))
    one.up(database.conninfo)
    assert one.ready(database.conninfo, timeout=0).ready
    with pytest.raises(pgbraid.NotReady):
        two.ready(database.conninfo, timeout=0)
    two.up(database.conninfo)
    assert two.ready(database.conninfo, timeout=0).ready


def test_wait_works_through_transaction_pooler(database, pooled):
    with waiting(A, pooled) as reasons:
        reasons.until("not applied")
        load(A).up(database.conninfo)
    assert reasons.result.ready


def test_asynchronous_methods_return_same_answers(database):
    async def main():
        migrator = load(A | B)
        assert len((await migrator.aplan(database.conninfo, to=1)).steps) == 1
        assert not (await migrator.acheck(database.conninfo)).ok
        assert (await load(A).aup(database.conninfo)).applied
        assert (await migrator.astatus(database.conninfo)).count(pgbraid.State.APPLIED) == 1
        assert not (await load({}).acheck(database.conninfo)).ok
        assert (await load(A).acheck(database.conninfo, newer_ok=True)).ok
        waiter = asyncio.create_task(migrator.aready(database.conninfo, timeout=60))
        await migrator.aup(database.conninfo)
        assert (await waiter).ready

    asyncio.run(main())


def test_cancelled_wait_leaves_no_session(database):
    async def main():
        reported = asyncio.Event()
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(
            load(A).aready(
                database.conninfo, on_event=lambda _: loop.call_soon_threadsafe(reported.set)
            )
        )
        await reported.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    while database.value(query) != 1:
        pass


def test_wait_whose_loop_is_closed_ends(database):
    before = set(threading.enumerate())
    loop = asyncio.new_event_loop()
    task = loop.create_task(load(A).aready(database.conninfo))
    while not [t for t in threading.enumerate() if t not in before]:
        loop.run_until_complete(asyncio.sleep(0.01))
    threads = set(threading.enumerate()) - before
    task.get_coro().close()
    task._log_destroy_pending = False
    loop.close()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def silent():
    """A URL whose server takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/d?sslmode=disable"


def test_silent_server_does_not_delay_end_of_wait(silent, monkeypatch):
    monkeypatch.setattr(wait, "_ANSWER_TIME", 0.1)
    with pytest.raises(pgbraid.ConnectionFailed, match="did not answer in time"):
        load(A).ready(silent, timeout=0.1)


def test_stop_ends_wait_for_silent_server(silent):
    stop = pgbraid.StopToken()
    threading.Timer(0.2, stop.request).start()
    with pytest.raises(pgbraid.Stopped):
        load(A).ready(silent, stop=stop)


def test_signal_ends_wait_for_silent_server(silent, program, folder):
    folder.write(_1_a="CREATE TABLE a ()")
    run = program.start("wait", "--verbose", "--database", silent)
    while not run.stderr.readline().startswith("database:"):
        pass
    run.terminate()
    _, err = run.communicate(timeout=8)  # libpq alone would wait for ten seconds
    assert run.returncode == 143, err


def test_error_of_listener_ends_wait_and_its_session(database):
    def fail(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load(A).ready(database.conninfo, on_event=fail)
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    while database.value(query) != 1:
        pass


def test_clock_that_is_set_back_does_not_extend_wait(database, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    with pytest.raises(pgbraid.NotReady):
        load(A).ready(database.conninfo, timeout=0.2)
