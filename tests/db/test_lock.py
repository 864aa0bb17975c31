import asyncio
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import pgbraid
from pgbraid.migrate.execution.transactional import RunContext, apply_in_transaction
from pgbraid.model.errors import ConnectionFailed, LockLost, LockTimeout, Stopped, TargetRefused
from pgbraid.model.events import Started
from pgbraid.model.migration import LedgerTable, Migration
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect, prepare_for_migration
from pgbraid.postgres.ledger.record import is_applied
from pgbraid.postgres.ledger.tables import ensure_schema, ensure_tables
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction
from pgbraid.sql.parser import parse


@pytest.mark.usefixtures("holder")
def test_a_run_that_waits_too_long_says_who_holds_the_lock(database):
    with pytest.raises(LockTimeout) as caught:
        pgbraid.load({"1_a.sql": "--"}, lock_wait=0.1).up(database.conninfo)
    assert "waited 0.1 s" in caught.value.message
    assert "(the other one), role postgres" in caught.value.detail
    assert database.value("SELECT to_regclass('applied_migrations')") is None


@pytest.mark.usefixtures("holder")
def test_with_nothing_to_do_nobody_waits_for_the_lock(database):
    assert pgbraid.load({}, lock_wait=0).up(database.conninfo).previously_applied == 0
    braid = pgbraid.load({"1_a.sql": "--"}, lock_wait=0)
    assert not braid.check(database.conninfo).ok
    assert len(braid.plan(database.conninfo).steps) == 1


def test_a_run_goes_on_when_the_holder_is_gone(database, holder):
    timer = threading.Timer(0.3, holder.close)
    timer.start()
    report = pgbraid.load({"1_a.sql": "--"}).up(database.conninfo)
    timer.join()
    assert len(report.applied) == 1


def test_a_run_that_waits_sees_the_work_done_and_goes_on(database, holder):
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"})

    def work():
        time.sleep(0.2)
        holder.execute(
            "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text,"
            " applied_at timestamptz DEFAULT now(), checksum text)"
        )
        holder.execute("INSERT INTO applied_migrations VALUES (1, 'a')")

    thread = threading.Thread(target=work)
    thread.start()
    report = braid.up(database.conninfo)
    thread.join()
    assert (report.applied, [m.version for m in report.applied_elsewhere]) == ((), [1])


def test_waiting_holds_no_snapshot_that_stops_a_concurrent_index(database, holder):
    holder.execute("CREATE TABLE t (x int)")
    waiter = threading.Thread(
        target=lambda: pgbraid.load({"1_a.sql": "--"}).up(database.conninfo), daemon=True
    )
    waiter.start()
    time.sleep(0.2)
    holder.execute("SET statement_timeout = '10s'")
    holder.execute("CREATE INDEX CONCURRENTLY i ON t (x)")
    assert waiter.is_alive()
    holder.close()
    waiter.join(10)
    assert not waiter.is_alive()


def test_two_trackers_do_not_wait_for_each_other(database):
    with connect(parse_target(database.conninfo), LedgerTable("a", "t"), StopToken()) as session:
        assert acquire_session_lock(session, wait=0)
        pgbraid.load({"1_a.sql": "--"}, schema="b", table="t", lock_wait=0).up(database.conninfo)


@pytest.mark.usefixtures("holder")
def test_the_fence_stops_a_transaction_whose_lock_another_session_holds(database):
    with (
        connect(parse_target(database.conninfo), LedgerTable(), StopToken()) as session,
        pytest.raises(LockLost),
        transaction(session),
    ):
        pytest.fail("the block must not run")


BOOT = """
import sys, pgbraid
files = {f"{n}_m.sql": f"CREATE TABLE t{n} (id int); INSERT INTO ran VALUES ({n})"
         for n in range(1, 21)}
pgbraid.load(files, schema="app", lock_wait=120).up(sys.argv[1])
"""


def test_fifty_boots_at_once_run_each_migration_once(database):
    database.run("CREATE TABLE ran (version int)")
    boots = [
        subprocess.Popen([sys.executable, "-c", BOOT, database.conninfo], stderr=subprocess.PIPE)
        for _ in range(50)
    ]
    errors = [(boot.communicate(timeout=240)[1], boot.returncode) for boot in boots]
    assert errors == [(b"", 0)] * 50
    assert database.versions("app.applied_migrations") == list(range(1, 21))
    assert database.rows("SELECT version FROM ran ORDER BY 1") == [(n,) for n in range(1, 21)]


def test_many_sessions_may_find_the_schema_missing_at_once(database):
    """Each looks, sees none and creates it: only one of them can."""
    for name in ("a", "b", "c", "d"):
        barrier, errors = threading.Barrier(6), []

        def boot(name=name, barrier=barrier, errors=errors):
            with connect(
                parse_target(database.conninfo), LedgerTable(name), StopToken()
            ) as session:
                prepare_for_migration(session)
                barrier.wait()
                try:
                    ensure_schema(session)
                except pgbraid.PgbraidError as error:
                    errors.append(error)

        threads = [threading.Thread(target=boot) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []


def test_a_connection_that_is_cut_in_a_body_says_what_was_applied(database):
    files = {"1_a.sql": "--", "2_b.sql": "SELECT pg_terminate_backend(pg_backend_pid())"}
    with pytest.raises(ConnectionFailed) as caught:
        pgbraid.load(files).up(database.conninfo)
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert "was lost" in caught.value.message
    assert "pgbraid status" in caught.value.hint
    assert database.versions() == [1]


def test_a_version_that_another_run_applied_meanwhile_is_not_run(database):
    """The look behind the fence, for two runs of which one lost its lock."""
    migration = Migration(1, "a", "1_a.sql", "", 0, "1_a.sql", "1")
    with connect(parse_target(database.conninfo), LedgerTable(), StopToken()) as session:
        prepare_for_migration(session)
        acquire_session_lock(session, wait=0)
        run = RunContext(session, ensure_tables(session))
        database.run("INSERT INTO applied_migrations VALUES (1, 'a')")
        answer = apply_in_transaction(
            run,
            migration,
            parse("CREATE TABLE a ()"),
            still_needed=lambda: not is_applied(session, 1),
            record=lambda: pytest.fail("it must not be recorded"),
        )
    assert answer is None
    assert database.value("SELECT to_regclass('a') IS NULL")


def test_a_run_can_be_stopped_from_another_thread(database):
    stop, begun = StopToken(), threading.Event()

    def hear(event):
        if isinstance(event, Started) and event.index == 2:
            threading.Timer(0.3, stop.request).start()
            begun.set()

    braid = pgbraid.load({"1_a.sql": "--", "2_b.sql": "SELECT pg_sleep(60)"})
    started = time.monotonic()
    with pytest.raises(Stopped) as caught:
        braid.up(database.conninfo, on_event=hear, stop=stop)
    assert begun.is_set()
    assert time.monotonic() - started < 30
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert database.events() == [("applied", 1)]
    assert nobody_is_left(database)


def nobody_is_left(database):
    """Whether no session is, once the server's processes had the time to end."""
    question = (
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'pgbraid/%%' AND pid <> pg_backend_pid()"
    )
    for _ in range(100):
        if database.value(question):
            return True
        time.sleep(0.05)
    return False


def test_a_stop_before_the_start_runs_nothing(database):
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        pgbraid.load({"1_a.sql": "--"}).up(database.conninfo, stop=stop)
    assert database.value("SELECT to_regclass('applied_migrations')") is None


def test_the_asynchronous_face_does_the_same(database):
    braid = pgbraid.load({"1_a.sql": "--", "2_b.sql": "--"})
    report = asyncio.run(braid.aup(database.conninfo, to=1))
    assert [o.migration.version for o in report.applied] == [1]
    assert asyncio.run(braid.aup(database.conninfo, dry_run=True)).dry_run


def test_a_cancelled_task_leaves_nothing_behind(database):
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE a (); SELECT pg_sleep(60)"})

    async def main():
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hear(event):
            if isinstance(event, Started):
                loop.call_soon_threadsafe(begun.set)

        task = asyncio.create_task(braid.aup(database.conninfo, on_event=hear))
        await begun.wait()
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return nobody_is_left(database)

    assert asyncio.run(main())
    assert database.value("SELECT to_regclass('a')") is None
    assert database.versions() == []


def test_many_tasks_cancelled_twice_leave_nothing_behind(database):
    """More of them than an executor has threads, and cancellations that come while one waits."""
    braids = [pgbraid.load({"1_a.sql": "SELECT pg_sleep(60)"}, table=f"set_{n}") for n in range(6)]

    async def main():
        loop = asyncio.get_running_loop()
        begun = asyncio.Semaphore(0)

        def hear(event):
            if isinstance(event, Started):
                loop.call_soon_threadsafe(begun.release)

        tasks = [
            asyncio.create_task(braid.aup(database.conninfo, on_event=hear)) for braid in braids
        ]
        for _ in tasks:
            await begun.acquire()
        for _ in range(2):
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0.01)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {asyncio.CancelledError}
        return nobody_is_left(database)

    assert asyncio.run(main())
    assert all(database.versions(f"set_{n}") == [] for n in range(6))


def test_errors_pass_through_the_asynchronous_face(database):
    with pytest.raises(pgbraid.MigrationFailed):
        asyncio.run(pgbraid.load({"1_a.sql": "SELECT 1/0"}).aup(database.conninfo))


@pytest.mark.parametrize("kind", ["ROLE", "DATABASE"])
def test_a_read_only_target_is_refused_before_anything(database, role, kind):
    name = role if kind == "ROLE" else conninfo_to_dict(database.conninfo)["dbname"]
    database.run(f"GRANT CREATE ON SCHEMA public TO {role}")
    database.run(f"ALTER {kind} {name} SET default_transaction_read_only = on")
    braid = pgbraid.load({"1_a.sql": "--"})
    with pytest.raises(TargetRefused, match="is read-only") as caught:
        braid.up(database.as_role(role))
    assert "default_transaction_read_only=off" in caught.value.hint
    allowed = make_conninfo(database.as_role(role), options="-c default_transaction_read_only=off")
    assert len(braid.up(allowed).applied) == 1
    with psycopg.connect(allowed, user="postgres", autocommit=True) as conn:
        conn.execute(f"ALTER {kind} {name} RESET default_transaction_read_only")


def test_a_migration_that_is_interrupted_is_told(database):
    stop, heard = StopToken(), []

    def hear(event):
        heard.append(event)
        if isinstance(event, Started):
            threading.Timer(0.3, stop.request).start()

    with pytest.raises(Stopped):
        pgbraid.load({"1_a.sql": "SELECT pg_sleep(60)"}).up(
            database.conninfo, on_event=hear, stop=stop
        )
    assert (heard[-1].step.migration.version, heard[-1].applied) == (1, False)
    heard.clear()
    with pytest.raises(pgbraid.ConnectionFailed) as caught:
        pgbraid.load({"1_a.sql": "SELECT pg_terminate_backend(pg_backend_pid())"}).up(
            database.conninfo, on_event=heard.append
        )
    assert caught.value.detail == "1_a was in progress; it was rolled back."
    assert (type(heard[-1]).__name__, heard[-1].applied) == ("Interrupted", False)


def test_a_holder_that_a_role_may_not_see_is_told_as_far_as_it_is_known(database, role):
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        with pytest.raises(LockTimeout) as caught:
            pgbraid.load({"1_a.sql": "--"}, lock_wait=0).up(database.as_role(role))
        assert f"process {conn.info.backend_pid}" in caught.value.detail
    assert "None" not in caught.value.detail
