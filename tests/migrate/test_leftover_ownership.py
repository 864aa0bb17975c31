"""Leftovers are dropped only if pgbraid created them: copies, partitions, failed attempts."""

import contextlib
import threading

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.migrate.execution import lock_retry
from pgbraid.migrate.nontransactional.statement_run import StatementRun
from tests.fixtures.interruption import call_after
from tests.fixtures.nontransactional import HEAD, INVALID, dropped_leftovers, load


def test_catalog_state_is_readable_under_any_client_encoding(big, cut_running):
    migrator = load("SET client_encoding = 'SQL_ASCII'; CREATE INDEX CONCURRENTLY one ON big (a)")
    cut_running(big, migrator, "INSERT INTO big VALUES (1)")
    assert len(migrator.up(big.conninfo).applied) == 1
    assert big.rows(INVALID) == []


def test_copies_of_partitioned_index_are_dropped(parted, cut_running):
    migrator = load("REINDEX INDEX CONCURRENTLY pi")
    cut_running(parted, migrator, "INSERT INTO p VALUES (1)")
    assert parted.rows(INVALID)
    migrator.up(parted.conninfo)
    assert (parted.rows(INVALID), parted.versions()) == ([], [1])


def test_plain_reindex_drops_no_foreign_leftover(big):
    big.run("CREATE INDEX here ON big (a)")
    migrator = pgbraid.load({"1_a.sql": HEAD + "REINDEX SCHEMA public"}, limits=Limits(retry_for=0))
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (1, 1, 1)")
        with pytest.raises(MigrationFailed):
            migrator.up(big.conninfo)
        with psycopg.connect(big.conninfo, autocommit=True) as another:
            another.execute("SET statement_timeout = '500ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                another.execute("REINDEX INDEX CONCURRENTLY here")
    assert big.rows(INVALID) == [("here_ccnew",)]
    assert dropped_leftovers(migrator, big) == []


def test_quoted_option_concurrently_is_recognised(big, since_14, cut_running):
    big.run("CREATE INDEX here ON big (a)")
    migrator = load('REINDEX ("concurrently") INDEX here')
    cut_running(big, migrator, "INSERT INTO big VALUES (1)")
    migrator.up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_incomparable_index_is_not_dropped(big, monkeypatch):
    """The statement never ran; then another session left an invalid index of that name."""
    big.run("CREATE FUNCTION f(big) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.a'")
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    migrator = load("CREATE INDEX CONCURRENTLY one ON big (f(big))")

    def die(*_words, **_options):
        raise RuntimeError

    monkeypatch.setattr(StatementRun, "prepare_session", die)
    with pytest.raises(RuntimeError):
        migrator.up(big.conninfo)
    monkeypatch.undo()
    with pytest.raises(psycopg.errors.UniqueViolation):
        big.run("CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)")
    assert dropped_leftovers(migrator, big) == []
    assert big.rows(INVALID) == [("one",)]


def test_invalid_index_of_another_session_is_not_dropped(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    migrator = load(statement)
    with pytest.raises(MigrationFailed):
        migrator.up(big.conninfo)
    big.run("DROP INDEX one")
    with pytest.raises(psycopg.errors.UniqueViolation):
        big.run(statement)
    assert dropped_leftovers(migrator, big) == []
    assert big.rows(INVALID) == [("one",)]


def test_retry_skips_statements_of_concurrent_run(big, monkeypatch):
    big.run("CREATE TABLE log (n int)")
    text = (
        "DO $$ BEGIN PERFORM pg_advisory_unlock_all(); LOCK TABLE big; INSERT INTO log VALUES (1);"
        " END $$"
    )
    reader = psycopg.connect(big.conninfo)
    reader.execute("SELECT count(*) FROM big")
    real, once = lock_retry.reset_session, []

    def clean(session):
        if not once:
            once.append(True)
            reader.rollback()
            other = threading.Thread(target=lambda: load(text).up(big.conninfo))
            other.start()
            other.join(20)
        real(session)

    monkeypatch.setattr(lock_retry, "reset_session", clean)
    with contextlib.suppress(pgbraid.PgbraidError):
        load(text).up(big.conninfo)
    reader.close()
    assert big.rows("SELECT * FROM log") == [(1,)]


def test_cleanup_of_removed_statement_waits_for_locks(big, cut_running):
    cut_running(big, load("CREATE INDEX CONCURRENTLY one ON big (a)"), "INSERT INTO big VALUES (1)")
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big")
        with call_after(1.5, other.rollback):
            load("SELECT 1").up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])
