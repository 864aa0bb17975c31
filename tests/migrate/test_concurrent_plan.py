"""A plan that is made while another run starts a migration outside a transaction."""

import threading
import time

import psycopg
import pytest

import pgbraid
from pgbraid.migrate.planning import preflight_checks

INDEX = "-- pgbraid: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a);\n"


@pytest.fixture
def waiting_run(database, folder):
    """A function that starts the index in another run, which then waits for an open transaction."""
    folder.write(_1_t="CREATE TABLE t (a int)")
    migrator = pgbraid.load(folder.path, settings=False)
    migrator.up(database.conninfo)
    folder.write(_2_i=INDEX)
    migrator = pgbraid.load(folder.path, settings=False)
    run = threading.Thread(target=migrator.up, args=(database.conninfo,))
    with psycopg.connect(database.conninfo) as holder:
        holder.execute("LOCK TABLE t IN ACCESS SHARE MODE; INSERT INTO t VALUES (1)")

        def begin():
            run.start()
            line = "SELECT 1 FROM applied_migrations_journal WHERE event = 'statement_started'"
            deadline = time.monotonic() + 20
            while not database.rows(line):
                assert time.monotonic() < deadline
                time.sleep(0.01)

        yield migrator, begin
        holder.rollback()
    run.join()


def test_migration_started_by_concurrent_run_is_not_reported_as_lost(
    database, waiting_run, monkeypatch
):
    migrator, begin = waiting_run
    real = preflight_checks.read_unfinished

    def read_unfinished(session):
        monkeypatch.undo()  # the other run calls this function, too
        begin()
        return real(session)

    monkeypatch.setattr(preflight_checks, "read_unfinished", read_unfinished)
    plan = migrator.plan(database.conninfo)
    assert plan.errors == ()
    assert [step.migration.version for step in plan.steps] == [2]
