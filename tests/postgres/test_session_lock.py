"""The advisory lock of a session: concurrent runs, stops, refused targets."""

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
from tests.fixtures.interruption import call_after, no_session_is_left


@pytest.mark.usefixtures("holder")
def test_lock_timeout_names_lock_holder(database):
    with pytest.raises(LockTimeout) as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}, lock_wait=0.1).up(database.conninfo)
    assert "waited 0.1 s" in caught.value.message
    assert "(the other one), role postgres" in caught.value.detail
    assert database.value("SELECT to_regclass('applied_migrations')") is None


@pytest.mark.usefixtures("holder")
def test_run_without_work_does_not_wait_for_lock(database):
    assert pgbraid.load({}, lock_wait=0).up(database.conninfo).previously_applied == 0
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, lock_wait=0)
    assert not migrator.check(database.conninfo).ok
    assert len(migrator.plan(database.conninfo).steps) == 1


def test_run_continues_once_holder_is_gone(database, holder):
    with call_after(0.3, holder.close):
        report = pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    assert len(report.applied) == 1


def test_waiting_run_skips_versions_applied_by_holder(database, holder):
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"})

    def work():
        time.sleep(0.2)
        holder.execute(
            "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text,"
            " applied_at timestamptz DEFAULT now(), checksum text)"
        )
        holder.execute("INSERT INTO applied_migrations VALUES (1, 'a')")

    thread = threading.Thread(target=work)
    thread.start()
    report = migrator.up(database.conninfo)
    thread.join()
    assert (report.applied, [m.version for m in report.applied_elsewhere]) == ((), [1])


def test_waiting_holds_no_snapshot_that_stops_concurrent_index(database, holder):
    holder.execute("CREATE TABLE t (x int)")
    waiter = threading.Thread(
        target=lambda: pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo), daemon=True
    )
    waiter.start()
    time.sleep(0.2)
    holder.execute("SET statement_timeout = '10s'")
    holder.execute("CREATE INDEX CONCURRENTLY i ON t (x)")
    assert waiter.is_alive()
    holder.close()
    waiter.join(10)
    assert not waiter.is_alive()


def test_two_ledgers_do_not_wait_for_each_other(database):
    with connect(parse_target(database.conninfo), LedgerTable("a", "t"), StopToken()) as session:
        assert acquire_session_lock(session, wait=0)
        pgbraid.load({"1_a.sql": "SELECT 1"}, schema="b", table="t", lock_wait=0).up(
            database.conninfo
        )


@pytest.mark.usefixtures("holder")
def test_xact_lock_stops_transaction_while_another_session_holds_lock(database):
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


def test_fifty_concurrent_runs_apply_each_migration_once(database):
    database.run("CREATE TABLE ran (version int)")
    boots = [
        subprocess.Popen([sys.executable, "-c", BOOT, database.conninfo], stderr=subprocess.PIPE)
        for _ in range(50)
    ]
    errors = [(boot.communicate(timeout=240)[1], boot.returncode) for boot in boots]
    assert errors == [(b"", 0)] * 50
    assert database.versions("app.applied_migrations") == list(range(1, 21))
    assert database.rows("SELECT version FROM ran ORDER BY 1") == [(n,) for n in range(1, 21)]


def test_many_sessions_may_find_schema_missing_at_once(database):
    """Each session sees no schema and creates it; only one succeeds."""
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


def test_lost_connection_lists_applied_versions(database):
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT pg_terminate_backend(pg_backend_pid())"}
    with pytest.raises(ConnectionFailed) as caught:
        pgbraid.load(files).up(database.conninfo)
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert "was lost" in caught.value.message
    assert "pgbraid status" in caught.value.hint
    assert database.versions() == [1]


def test_version_that_another_run_applied_meanwhile_is_not_run(database):
    """The check under the xact lock finds it, after one of two runs lost its session lock."""
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


def test_run_can_be_stopped_from_another_thread(database):
    stop, second_started = StopToken(), threading.Event()

    def record_event(event):
        if isinstance(event, Started) and event.index == 2:
            threading.Timer(0.3, stop.request).start()
            second_started.set()

    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT pg_sleep(60)"})
    started_at = time.monotonic()
    with pytest.raises(Stopped) as caught:
        migrator.up(database.conninfo, on_event=record_event, stop=stop)
    assert second_started.is_set()
    assert time.monotonic() - started_at < 30
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert database.events() == [("applied", 1)]
    assert no_session_is_left(database)


def test_stop_before_start_runs_nothing(database):
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, stop=stop)
    assert database.value("SELECT to_regclass('applied_migrations')") is None


@pytest.mark.parametrize("kind", ["ROLE", "DATABASE"])
def test_read_only_target_is_refused_before_anything(database, role, kind):
    name = role if kind == "ROLE" else conninfo_to_dict(database.conninfo)["dbname"]
    database.run(f"GRANT CREATE ON SCHEMA public TO {role}")
    database.run(f"ALTER {kind} {name} SET default_transaction_read_only = on")
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"})
    with pytest.raises(TargetRefused, match="is read-only") as caught:
        migrator.up(database.as_role(role))
    assert "default_transaction_read_only=off" in caught.value.hint
    allowed = make_conninfo(database.as_role(role), options="-c default_transaction_read_only=off")
    assert len(migrator.up(allowed).applied) == 1
    with psycopg.connect(allowed, user="postgres", autocommit=True) as conn:
        conn.execute(f"ALTER {kind} {name} RESET default_transaction_read_only")


def test_interrupted_migration_is_reported(database):
    stop, emitted = StopToken(), []

    def record_event(event):
        emitted.append(event)
        if isinstance(event, Started):
            threading.Timer(0.3, stop.request).start()

    with pytest.raises(Stopped):
        pgbraid.load({"1_a.sql": "SELECT pg_sleep(60)"}).up(
            database.conninfo, on_event=record_event, stop=stop
        )
    assert (emitted[-2].step.migration.version, emitted[-2].applied) == (1, False)
    emitted.clear()
    with pytest.raises(pgbraid.ConnectionFailed) as caught:
        pgbraid.load({"1_a.sql": "SELECT pg_terminate_backend(pg_backend_pid())"}).up(
            database.conninfo, on_event=emitted.append
        )
    assert caught.value.detail == "1_a was in progress; it was rolled back."
    assert (type(emitted[-2]).__name__, emitted[-2].applied) == ("Interrupted", False)


def test_invisible_holder_is_named_by_process_id(database, role):
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        with pytest.raises(LockTimeout) as caught:
            pgbraid.load({"1_a.sql": "SELECT 1"}, lock_wait=0).up(database.as_role(role))
        assert f"process {conn.info.backend_pid}" in caught.value.detail
    assert "None" not in caught.value.detail
