"""Decisions about an incomplete migration: skip, retry, forget."""

import threading
import time

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import pgbraid
from pgbraid import MigrationFailed
from pgbraid.model.errors import ConfigError
from pgbraid.model.events import StatementSkipped
from tests.fixtures.interruption import interrupted_run
from tests.fixtures.nontransactional import CALLS, FOUR, HEAD, INVALID, load


def test_earlier_refusal_does_not_permit_another_run_of_statement(big, cut_before):
    """The server refused the statement once; then it completed without a journal line."""
    name = conninfo_to_dict(big.conninfo)["dbname"] + "_x"
    migrator = pgbraid.load({"1_a.sql": HEAD + f"DROP DATABASE {name}"})
    with pytest.raises(MigrationFailed, match="does not exist"):
        migrator.up(big.conninfo)
    big.run(f"CREATE DATABASE {name}")
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        migrator.up(big.conninfo)
    with pytest.raises(MigrationFailed, match="it is unknown whether"):
        migrator.up(big.conninfo)


@pytest.mark.parametrize("way", ["rename the index", "drop the index", "--skip 1"])
def test_every_way_in_hint_for_taken_index_name_helps(big, way):
    """The hint must not name --retry: it cannot help while the name is taken."""
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    text = HEAD + "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    big.run("DELETE FROM big WHERE a = 0; DROP INDEX one; CREATE INDEX one ON big (b)")
    migrator = pgbraid.load({"1_a.sql": text})
    with pytest.raises(MigrationFailed) as caught:
        migrator.up(big.conninfo)
    assert "Drop or rename it, then `pgbraid resume 1`;" in caught.value.hint
    assert "keep it, then `pgbraid resume 1 --skip 1`" in caught.value.hint
    assert "--retry" not in caught.value.hint
    if way == "--skip 1":
        migrator.resume(big.conninfo, 1, how="skip")
    else:
        big.run("DROP INDEX one" if way.startswith("drop") else "ALTER INDEX one RENAME TO theirs")
        migrator.resume(big.conninfo, 1)
    column = "b" if way == "--skip 1" else "c"
    assert f"({column})" in big.value("SELECT pg_get_indexdef('one'::regclass)")
    assert big.versions() == [1]


def test_skip_is_refused_while_index_is_invalid_and_up_builds_it(big):
    """--skip is refused because the index is invalid; the hint names up, which builds it."""
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    with (
        psycopg.connect(big.conninfo, autocommit=True) as conn,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        conn.execute(statement)
    migrator = pgbraid.load({"1_a.sql": HEAD + statement})
    with pytest.raises(MigrationFailed):
        migrator.up(big.conninfo)
    with pytest.raises(MigrationFailed, match="is invalid") as caught:
        migrator.resume(big.conninfo, 1, how="skip")
    assert "drop it, and `pgbraid up` builds it" in caught.value.hint
    big.run("DELETE FROM big WHERE a = 0; DROP INDEX one")
    migrator.up(big.conninfo)
    assert big.versions() == [1]
    assert big.value("SELECT to_regclass('one')") is not None, "applied, and no index there"


def test_skip_of_interrupted_reindex_leaves_no_invalid_copy(big):
    big.run("CREATE INDEX here ON big (a)")
    migrator = pgbraid.load({"1_a.sql": HEAD + "REINDEX INDEX CONCURRENTLY here"})
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        interrupted_run(migrator.up, big.conninfo, seconds=0.8)
    assert big.rows(INVALID) == [("here_ccnew",)]
    migrator.resume(big.conninfo, 1, how="skip")
    assert (big.rows(INVALID), big.versions()) == ([], [1])
    assert big.value("SELECT to_regclass('here')") is not None


def test_skip_applies_to_one_of_two_equal_statements(database):
    database.run("CREATE TABLE log (n int)")
    database.run(CALLS.format(1))
    migrator = load("CALL p(); CALL p()")
    with pytest.raises(pgbraid.ConnectionFailed):
        migrator.up(database.conninfo)
    migrator.resume(database.conninfo, 1, how="skip", statement=1)
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]


def test_skip_is_refused_while_index_is_invalid(big, cut_running):
    cut_running(big, load("CREATE INDEX CONCURRENTLY one ON big (a)"), "INSERT INTO big VALUES (1)")
    load("SELECT 1").resume(big.conninfo, 1, how="skip")
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_skip_is_refused_while_index_is_partly_dropped(big, cut_running):
    big.run("CREATE INDEX here ON big (a)")
    cut_running(big, load("DROP INDEX CONCURRENTLY here"), "INSERT INTO big VALUES (1)")
    with pytest.raises(MigrationFailed, match=r"the index public\.here is invalid"):
        load("SELECT 1").resume(big.conninfo, 1, how="skip")
    big.run("DROP INDEX here")
    with pytest.raises(MigrationFailed, match="it was done"):
        load("SELECT 1").up(big.conninfo)
    load("SELECT 1").resume(big.conninfo, 1, how="skip")
    assert big.versions() == [1]


def test_skip_records_statement_as_completed_and_retry_runs_it_again(database):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); COMMIT;"
        " PERFORM pg_terminate_backend(pg_backend_pid()); END $$"
    )
    migrator = pgbraid.load({"1_a.sql": HEAD + "CALL p(); INSERT INTO log VALUES (2)"})
    with pytest.raises(pgbraid.ConnectionFailed) as caught:
        migrator.up(database.conninfo)
    assert "it is incomplete" in caught.value.detail
    for call in (migrator.up, lambda url: migrator.resume(url, 1)):
        with pytest.raises(MigrationFailed, match="it is unknown whether") as failed:
            call(database.conninfo)
        assert "pgbraid resume 1 --skip" in failed.value.hint
    with pytest.raises(pgbraid.ConnectionFailed):
        migrator.resume(database.conninfo, 1, how="retry")
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]
    migrator.resume(database.conninfo, 1, how="skip")
    assert database.rows("SELECT * FROM log") == [(1,), (1,), (2,)]
    assert database.versions() == [1]
    with pytest.raises(ConfigError, match="not incomplete"):
        migrator.resume(database.conninfo, 1)


def test_started_statements_can_be_forgotten(double):
    migrator = pgbraid.load({"1_four.sql": FOUR})
    with pytest.raises(MigrationFailed):
        migrator.up(double.conninfo)
    report = pgbraid.load({}).resume(double.conninfo, 1, how="forget")
    assert (report.forgotten.version, report.applied) == (1, ())
    double.run("DROP INDEX one, two, three; DELETE FROM big WHERE a = 0")
    assert len(migrator.up(double.conninfo).applied) == 1


def test_skip_applies_only_to_statement_that_was_shown(database):
    text = HEAD + (
        "CREATE TABLE t (n int); VACUUM nosuch;"
        "DO $$ BEGIN PERFORM pg_sleep(1.5); RAISE 'backfill failed'; END $$;"
        "INSERT INTO t VALUES (5)"
    )
    migrator = pgbraid.load({"1_x.sql": text})
    with pytest.raises(MigrationFailed, match="nosuch"):
        migrator.up(database.conninfo)
    messages = []

    def skip():
        with pytest.raises(MigrationFailed) as caught:
            migrator.resume(database.conninfo, 1, how="skip")
        messages.append(str(caught.value))

    threads = [threading.Thread(target=skip) for _ in range(2)]
    threads[0].start()
    time.sleep(0.7)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert "backfill failed" in messages[0]
    assert "has continued" in messages[1]
    assert database.rows("SELECT n FROM t") == []


def test_skip_reports_statement_and_checks_its_number(database):
    migrator = pgbraid.load({"1_x.sql": HEAD + "CREATE TABLE t (n int); VACUUM nosuch; SELECT 1"})
    with pytest.raises(MigrationFailed):
        migrator.up(database.conninfo)
    with pytest.raises(ConfigError, match="is at statement 2, not at statement 3"):
        migrator.resume(database.conninfo, 1, how="skip", statement=3)
    emitted = []
    migrator.resume(database.conninfo, 1, how="skip", statement=2, on_event=emitted.append)
    skipped = [(e.number, e.statement) for e in emitted if isinstance(e, StatementSkipped)]
    assert skipped == [(2, "VACUUM nosuch")]
    assert database.versions() == [1]
