"""Migrations as messages: their number, their content, and the outcome of a lost one."""

import psycopg
import pytest

import pgbraid
from pgbraid.migrate.execution import batch
from pgbraid.model.errors import ConnectionFailed, MigrationFailed
from pgbraid.model.events import Finished, Interrupted, ServerNotice, Started
from pgbraid.postgres.client import connection, session
from pgbraid.postgres.client.background_connect import BackgroundConnect

COMMITS = b"\nCOMMIT"
"""Stands in each message with migrations, and in no other one."""


def tables(count):
    return {f"{n}_t.sql": f"CREATE TABLE t{n} (a int)" for n in range(1, count + 1)}


@pytest.fixture
def used(database):
    """A database that is not fresh."""
    database.run("CREATE TABLE before ()")
    return database


@pytest.fixture
def watching(watches):
    """A server that detects a lost client; other servers receive no COMMIT in the message."""
    if not watches:
        pytest.skip("this server gets messages on a fresh database only")


@pytest.fixture
def waits(monkeypatch):
    """Count how often a run waits for the server."""
    counted = []
    real = psycopg.Connection.wait

    def wait(conn, *args, **kwargs):
        counted.append(1)
        return real(conn, *args, **kwargs)

    monkeypatch.setattr(psycopg.Connection, "wait", wait)
    return counted


@pytest.fixture
def sent(monkeypatch):
    """Record the messages with migrations that are sent."""
    messages = []
    real = connection.send

    def send(conn, data, *args):
        if COMMITS in data:
            messages.append(data.decode())
        return real(conn, data, *args)

    monkeypatch.setattr(session, "send", send)
    return messages


def test_run_waits_once_per_migration(watching, used, waits):
    pgbraid.load(tables(60)).up(used.conninfo)
    assert len(waits) <= 60 + 12


def test_few_migrations_together_on_fresh_database(database, waits):
    pgbraid.load(tables(160)).up(database.conninfo)
    assert len(waits) <= 160 / 16 + 14
    assert database.versions() == list(range(1, 161))


def test_option_batch_sends_many_together(watching, used, waits):
    pgbraid.load(tables(640)).up(used.conninfo, batch=True)
    assert len(waits) <= 640 / 64 + 12
    assert len(used.versions()) == 640


def test_disk_is_waited_for_once_on_fresh_database_only(watching, database, sent):
    modes = lambda: [  # noqa: E731
        line for text in sent for line in text.splitlines() if "synchronous_commit = o" in line
    ]
    pgbraid.load(tables(3)).up(database.conninfo)
    off, on = "SET LOCAL synchronous_commit = off;", "SET LOCAL synchronous_commit = on;"
    assert [m for m in modes() if "LOCAL" in m] == [off, off, on]
    sent.clear()
    pgbraid.load(tables(6)).up(database.conninfo)
    assert {m for m in modes() if "LOCAL" in m} == {on}


def test_durable_commits_wait_for_disk_with_setting(database, sent):
    pgbraid.load(tables(3)).up(database.conninfo, durable_each=True)
    assert not any("synchronous_commit = off" in text for text in sent)


@pytest.mark.parametrize(
    "before",
    [
        "CREATE VIEW v AS SELECT 1",
        "CREATE SEQUENCE s",
        "CREATE SCHEMA app; CREATE TABLE app.t ()",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_database_with_anything_in_it_is_not_fresh(database, sent, before):
    database.run(before)
    pgbraid.load(tables(2)).up(database.conninfo)
    assert not any("synchronous_commit = off" in text for text in sent)


def test_fresh_database_may_have_extension_and_schema(database, sent):
    database.run("CREATE SCHEMA app")
    database.extend("pg_stat_statements")
    pgbraid.load(tables(2)).up(database.conninfo)
    assert any("synchronous_commit = off" in text for text in sent)


def test_servers_views_and_logs_name_migration(watching, used, sent):
    pgbraid.load({"1_a*/b.sql": "SELECT 1"}).up(used.conninfo)
    assert sent[-1].startswith("/* pgbraid 1_ab */ BEGIN")


def test_committed_migrations_are_reported_before_error(database):
    files = {**tables(5), "6_x.sql": "SELECT 1/0", "7_y.sql": "CREATE TABLE y ()"}
    emitted = []
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load(files).up(database.conninfo, on_event=emitted.append)
    done = [event.result.migration.version for event in emitted if isinstance(event, Finished)]
    assert done == [o.migration.version for o in caught.value.applied] == [1, 2, 3, 4, 5]
    assert database.events()[-1] == ("failed", 6)
    assert database.value("SELECT to_regclass('y') IS NULL")
    assert [e.step.migration.version for e in emitted if isinstance(e, Started)][-1] == 6


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("wrong", ["SELEC 1", "SELECT 1/0", "SELECT nothing"])
def test_error_in_batch_equals_error_of_single_migration(used, batch, wrong):
    files = {**tables(4), "5_x.sql": f"CREATE TABLE x ();\n\n  {wrong}", "6_y.sql": "SELECT 1"}
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load(files).up(used.conninfo, batch=batch)
    expected = caught.value.diagnostic
    assert (expected.location.file, expected.location.line) == ("5_x.sql", 3)
    assert used.versions() == [1, 2, 3, 4]
    assert [o.migration.version for o in caught.value.applied] == [1, 2, 3, 4]


@pytest.mark.parametrize("batch", [False, True])
def test_migration_that_fails_among_others_is_run_once(database, batch):
    """No rollback resets a sequence, so a second attempt might succeed."""
    files = {
        "1_s.sql": "CREATE SEQUENCE s;\n"
        "CREATE TABLE t (a int DEFAULT nextval('s') CHECK (a > 1), b int)",
        "2_t.sql": "INSERT INTO t SELECT 2",
        "3_t.sql": "INSERT INTO t (b) VALUES (3)",
    }
    with pytest.raises(MigrationFailed):
        pgbraid.load(files).up(database.conninfo, batch=batch)
    assert database.value("SELECT last_value FROM s") == 1
    assert database.versions() == [1, 2]
    assert database.events()[-1] == ("failed", 3)


@pytest.mark.parametrize("batch", [False, True])
def test_outcome_of_lost_commit_is_found(database, monkeypatch, batch):
    """The server commits, but its answer does not arrive."""
    files = tables(3) if batch else {"1_t.sql": "SELECT 1"}
    real = connection.send

    def send(conn, data, *args):
        results = real(conn, data, *args)
        if COMMITS not in data:
            return results
        conn.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(session, "send", send)
    emitted = []
    with pytest.raises(ConnectionFailed) as caught:
        pgbraid.load(files).up(database.conninfo, batch=batch, on_event=emitted.append)
    assert caught.value.detail.endswith("was in progress; it was committed.")
    assert len(caught.value.applied) == len(files) == len(database.versions())
    assert [e.applied for e in emitted if isinstance(e, Interrupted)] == [True]


def test_migration_applied_by_faster_run_is_skipped(database, monkeypatch):
    """The lock was lost, and another run applied the version: the key prevents a second row."""
    migrator = pgbraid.load(tables(2))

    def meanwhile(event):
        if isinstance(event, Started) and event.index == 1:
            database.record(1, "t")

    report = migrator.up(database.conninfo, on_event=meanwhile)
    assert [o.migration.version for o in report.applied] == [2]
    assert database.value("SELECT to_regclass('t1') IS NULL")


def test_trigger_on_ledger_makes_statements_go_one_by_one(used, sent):
    pgbraid.load(tables(1)).up(used.conninfo)
    used.run(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER t BEFORE INSERT ON applied_migrations FOR EACH ROW"
        " EXECUTE FUNCTION swallow()"
    )
    sent.clear()
    with pytest.raises(pgbraid.ServerError, match="did not accept a row"):
        pgbraid.load(tables(2)).up(used.conninfo)
    assert sent == []


def test_session_is_reset_after_text_with_session_effects(database, sent, monkeypatch):
    monkeypatch.setattr(batch, "_BATCH_SIZE_ON_FRESH", 1)
    files = {"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "SET work_mem = '1MB'"}
    files |= {"3_c.sql": "CREATE TABLE c ()"}
    pgbraid.load(files).up(database.conninfo)
    assert ["RESET ALL" in text for text in sent] == [False, True, True]


def test_connection_being_opened_is_used_once_or_closed(database):
    parameters = {"conninfo": database.conninfo}
    opening = BackgroundConnect(parameters)
    first, second = opening.take(), opening.take()
    with first, second:
        assert first.info.backend_pid != second.info.backend_pid
    unused = BackgroundConnect(parameters)
    unused._thread.join()
    conn = unused._result
    unused.close()
    assert conn.closed
    with pytest.raises(psycopg.OperationalError):
        BackgroundConnect({"conninfo": "host=/nowhere"}).take()


def test_notices_are_reported_with_their_migration(database):
    files = {"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "DROP TABLE IF EXISTS first"}
    files |= {"3_c.sql": "CREATE TABLE c ()", "4_d.sql": "DROP TABLE IF EXISTS x, y"}
    emitted = []
    pgbraid.load(files).up(database.conninfo, on_event=emitted.append)
    notices = [
        (e.migration.version, e.diagnostic.message) for e in emitted if isinstance(e, ServerNotice)
    ]
    assert notices == [
        (2, 'table "first" does not exist, skipping'),
        (4, 'table "x" does not exist, skipping'),
        (4, 'table "y" does not exist, skipping'),
    ]
