"""Runs log their events with the standard library, once the application has set it up."""

import json
import logging
import subprocess
import sys
import threading

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid import events
from pgbraid.log import LogListener
from pgbraid.model.errors import LockTimeout, MigrationFailed
from pgbraid.model.options import ignore_event
from pgbraid.postgres.locks import lock_monitor, session_lock

SILENT = """
import json, logging, sys
import pgbraid
SETUP
pgbraid.load({"1_a.sql": "SELECT 1"}).up(sys.argv[1])
json.dump(sorted(m for m in sys.modules if m.startswith("pgbraid.log")), sys.stdout)
"""


def record(caplog, event):
    (found,) = [r for r in caplog.records if r.pgbraid_event == event]
    return found


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG, "pgbraid")
    return caplog


def test_every_event_has_its_line():
    kinds = {name for name in events.__all__ if name not in {"Database", "Event", "Listener"}}
    named = {name.title().replace("_", "") for name in vars(LogListener) if name[1] != "_"}
    assert kinds <= named


def test_wait_logs_why_it_waits(log, database):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"})
    with pytest.raises(pgbraid.NotReady):
        migrator.ready(database.conninfo, timeout=0.1)
    (line,) = log.records
    assert (line.levelname, line.pgbraid_event) == ("WARNING", "WaitingForMigrations")
    assert line.getMessage() == "not ready: 1 migration is not applied: 1_a"


def test_run_logs_its_start_each_migration_and_its_end(log, database):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "3_c.sql": "SELECT 3"})
    migrator.up(database.conninfo)
    log.clear()
    later = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2", "3_c.sql": "SELECT 3"})
    report = later.up(database.conninfo)
    assert [(r.levelname, r.pgbraid_event) for r in log.records] == [
        ("INFO", "RunStarted"),
        ("DEBUG", "Planned"),
        ("DEBUG", "Started"),
        ("INFO", "Finished"),
        ("INFO", "RunEnded"),
    ]
    applied = record(log, "Finished")
    assert applied.name == "pgbraid"
    assert applied.pgbraid_command == "up"
    assert applied.pgbraid_database
    assert applied.pgbraid_run_id == report.run_id
    assert (applied.pgbraid_version, applied.pgbraid_name) == (2, "b")
    assert (applied.pgbraid_gap, applied.pgbraid_retries) == (True, 0)
    assert applied.pgbraid_seconds == report.applied[0].duration.total_seconds()
    assert applied.getMessage().startswith("applied 2_b (gap) in ")
    assert record(log, "RunEnded").pgbraid_applied == 1


def test_failure_is_one_error_with_place_and_sqlstate(log, database):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1;\nSELECT x"})
    with pytest.raises(MigrationFailed):
        migrator.up(database.conninfo)
    (error,) = [r for r in log.records if r.levelno >= logging.ERROR]
    assert error.getMessage().startswith("2_b.sql:2:8: 2_b failed: column")
    assert (error.pgbraid_version, error.pgbraid_sqlstate) == (2, "42703")
    assert error.pgbraid_applied == 1


def test_wait_for_lock_is_logged_again_and_again(log, database, holder, monkeypatch):
    monkeypatch.setattr(session_lock, "_REPORT_AFTER", 0.0)
    monkeypatch.setattr(session_lock, "_REPORT_EVERY", 0.1)
    waits = threading.Semaphore(0)

    def on_event(event):
        if isinstance(event, events.WaitingForLock):
            waits.release()

    def free():
        for _ in range(3):
            waits.acquire(timeout=60)
        holder.close()

    thread = threading.Thread(target=free)
    thread.start()
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, on_event=on_event)
    thread.join()
    found = [r for r in log.records if r.pgbraid_event == "WaitingForLock"]
    assert len(found) >= 3
    assert {(r.name, r.levelname) for r in found} == {("pgbraid.locks", "WARNING")}
    assert "(the other one)" in found[-1].getMessage()
    assert found[-1].pgbraid_waited > found[0].pgbraid_waited


@pytest.mark.usefixtures("holder")
@pytest.mark.parametrize("verb", ["adopt", "undo", "repair"])
def test_other_commands_report_wait_for_lock(log, database, monkeypatch, verb):
    monkeypatch.setattr(session_lock, "_REPORT_AFTER", 0.0)
    calls = {
        "adopt": lambda m: m.adopt(database.conninfo),
        "undo": lambda m: m.undo(database.conninfo, 1),
        "repair": lambda m: m.repair(database.conninfo, [1]),
    }
    database.run("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool NOT NULL)")
    database.run("INSERT INTO schema_migrations VALUES (1, false)")
    files = {"1_a.up.sql": "SELECT 1", "1_a.down.sql": "SELECT 2"}
    if verb != "adopt":
        with psycopg.connect(database.conninfo, autocommit=True) as conn:
            conn.execute("DROP TABLE schema_migrations")
        ledger = pgbraid.load(files, table="other")
        ledger.up(database.conninfo)
        lock = ledger.ledger.lock_key
        held = psycopg.connect(database.conninfo, autocommit=True)
        held.execute("SELECT pg_advisory_lock(%s)", (lock,))
        if verb == "repair":
            files = {**files, "1_a.up.sql": "SELECT 3"}
        migrator = pgbraid.load(files, table="other", lock_wait=0.3)
    else:
        held, migrator = None, pgbraid.load(files, lock_wait=0.3)
    with pytest.raises(LockTimeout):
        calls[verb](migrator)
    assert record(log, "WaitingForLock")
    if held:
        held.close()


def test_retry_and_blockers_are_warnings(log, database):
    database.run("CREATE TABLE a ()")
    blocker = psycopg.connect(database.conninfo, application_name="the report")
    blocker.execute("LOCK a")

    def on_event(event):
        if isinstance(event, events.Retrying):
            blocker.close()

    migrator = pgbraid.load({"1_a.sql": "ALTER TABLE a ADD b int"})
    migrator.up(database.conninfo, on_event=on_event)
    retry = record(log, "Retrying")
    assert (retry.name, retry.levelname) == ("pgbraid.locks", "WARNING")
    assert "(the report)" in retry.pgbraid_blockers[0]
    assert retry.pgbraid_sqlstate == "55P03"
    assert record(log, "Finished").pgbraid_retries == 1
    assert "(the report)" in record(log, "BlockedByLock").getMessage()


def test_notice_is_one_line_of_logger_of_its_own(log, database):
    text = "DO $$BEGIN RAISE NOTICE E'two\\nlines'; RAISE WARNING 'careful'; END$$"
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    found = [r for r in log.records if r.name == "pgbraid.server"]
    assert [(r.levelname, r.getMessage()) for r in found] == [
        ("INFO", "1_a: NOTICE: two\\nlines"),
        ("WARNING", "1_a: WARNING: careful"),
    ]


def test_no_secret_reaches_log(log, database, role):
    secret = "tiger42"
    text = f"ALTER ROLE {role} PASSWORD '{secret}' VALID UNTIL 'never ever'"
    url = make_conninfo(database.conninfo, password=secret)
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text}).up(url)
    pgbraid.load({"1_a.sql": f"DO $$BEGIN RAISE NOTICE 'password %', '{secret}'; END$$"}).up(url)
    assert {r.pgbraid_event for r in log.records} >= {"Finished", "ServerNotice", "RunEnded"}
    for each in log.records:
        assert secret not in each.getMessage() + repr(vars(each))


def test_dry_run_logs_every_failure(log, database):
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT x", "3_c.sql": "SELECT y"}
    pgbraid.load(files).up(database.conninfo, dry_run=True)
    failed = [r for r in log.records if r.levelname == "ERROR"]
    assert [r.pgbraid_version for r in failed] == [2, 3]
    assert record(log, "DryRunPassed").pgbraid_version == 1


def test_adoption_and_undo_are_logged(log, database):
    database.run("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool NOT NULL)")
    database.run("INSERT INTO schema_migrations VALUES (1, false)")
    migrator = pgbraid.load({"1_a.up.sql": "SELECT 1", "1_a.down.sql": "SELECT 2"})
    migrator.up(database.conninfo)
    assert record(log, "Adopted").getMessage() == (
        "adopted the history of golang-migrate from public.schema_migrations; recorded: 1"
    )
    log.clear()
    migrator.undo(database.conninfo, 1)
    assert {r.pgbraid_command for r in log.records} == {"undo"}
    assert log.messages[1].startswith("undid 1_a in ")
    assert log.records[1].pgbraid_version == 1


def test_handler_that_raises_does_not_fail_run(database):
    class Broken(logging.Handler):
        def emit(self, record):  # noqa: ARG002 - the interface of logging
            raise OSError("the disk is full")

    broken = Broken()
    logging.getLogger("pgbraid").addHandler(broken)
    try:
        report = pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    finally:
        logging.getLogger("pgbraid").removeHandler(broken)
    assert len(report.applied) == 1


def test_listener_is_called_beside_log(log, database):
    seen = []
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, on_event=seen.append)
    assert [type(e).__name__ for e in seen] == [r.pgbraid_event for r in log.records]


def test_end_of_run_reaches_listener_with_error_of_run(database):
    seen = []
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": "SELECT x"}).up(database.conninfo, on_event=seen.append)
    assert isinstance(seen[0], events.RunStarted)
    assert seen[0].pending == 1
    assert seen[-1].error is caught.value


@pytest.mark.parametrize(
    ("setup", "imported"),
    [
        ("", False),
        ("logging.getLogger('pgbraid').addHandler(logging.NullHandler())", False),
        ("logging.getLogger('another').addHandler(logging.StreamHandler())", False),
        ("logging.basicConfig(level='ERROR')", True),
        ("logging.getLogger('pgbraid.locks').addHandler(logging.StreamHandler())", True),
    ],
)
def test_nothing_is_logged_unless_logging_is_set_up(database, clean_env, setup, imported):
    done = subprocess.run(
        [sys.executable, "-c", SILENT.replace("SETUP", setup), database.conninfo],
        capture_output=True,
        text=True,
        env=clean_env,
        check=True,
    )
    assert done.stderr == ""
    assert (json.loads(done.stdout) == ["pgbraid.log"]) == imported


def test_run_without_work_logs_nothing(log, database):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"})
    migrator.up(database.conninfo)
    log.clear()
    migrator.up(database.conninfo, on_event=ignore_event)
    assert log.records == []


def test_command_line_does_not_log(cli, folder):
    folder.write(_1_a="SELECT 1")
    answer = cli("up", code=0)
    assert answer.err == ""


def test_same_blockers_are_reported_again(log, database, monkeypatch):
    monkeypatch.setattr(lock_monitor, "_REPORT_EVERY", 0.1)
    database.run("CREATE TABLE a ()")
    blocker = psycopg.connect(database.conninfo)
    blocker.execute("LOCK a")
    seen = []

    def on_event(event):
        if isinstance(event, events.BlockedByLock):
            seen.append(event.blockers)
            if len(seen) == 3:
                blocker.close()

    migrator = pgbraid.load({"1_a.sql": "-- pgbraid: lock-timeout=60s\nALTER TABLE a ADD b int"})
    migrator.up(database.conninfo, on_event=on_event)
    assert len(seen) == 3
    assert "idle in transaction" in seen[0][0]


def test_listener_that_raises_at_the_start_of_a_run_is_a_logged_end(log, database):
    def fail(event):
        raise RuntimeError(type(event).__name__)

    with pytest.raises(RuntimeError, match="RunStarted"):
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, on_event=fail)
    assert [r.pgbraid_event for r in log.records] == ["RunStarted", "RunEnded"]


def test_logger_that_another_thread_makes_meanwhile_is_no_error(database, monkeypatch):
    class Name(str):
        __slots__ = ()

        def partition(self, separator):
            known.setdefault(f"{self}_", logging.PlaceHolder(None))
            return super().partition(separator)

    known = {Name("a"): logging.PlaceHolder(None), **logging.root.manager.loggerDict}
    monkeypatch.setattr(logging.root.manager, "loggerDict", known)
    assert pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo).applied
