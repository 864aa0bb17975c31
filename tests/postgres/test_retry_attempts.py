"""Each attempt of a retry starts clean, and every wait has a bound."""

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed
from tests.fixtures.interruption import call_after, in_thread
from tests.fixtures.nontransactional import HEAD


@pytest.mark.parametrize("statement", ["VACUUM FULL big", "CALL p()"])
def test_every_blocking_statement_has_lock_timeout(big, statement):
    big.run("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN ALTER TABLE big ADD x int; END'")
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        limits = Limits(lock_timeout=0.3, retry_for=0.5)
        migrator = pgbraid.load({"1_a.sql": HEAD + statement}, limits=limits)
        over, outcomes = in_thread(lambda: migrator.up(big.conninfo), 8, big)
    assert over, "it waits without a limit, and so do the sessions behind it"
    assert isinstance(outcomes[0], MigrationFailed)


def test_retry_finds_no_prepared_statement_of_earlier_attempt(big):
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        with call_after(1.5, reader.rollback):
            text = "PREPARE p AS SELECT 1; ALTER TABLE big ADD x int; EXECUTE p"
            report = pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert len(report.applied) == 1


def test_pause_before_retry_holds_no_advisory_lock(big):
    seen = []

    def record_event(event):
        if type(event).__name__ == "Retrying":
            seen.append(
                big.value(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4242"
                )
            )

    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        text = "SELECT pg_advisory_lock(4242); ALTER TABLE big ADD x int"
        with pytest.raises(MigrationFailed):
            pgbraid.load({"1_a.sql": text}, limits=Limits(retry_for=1)).up(
                big.conninfo, on_event=record_event
            )
    assert set(seen) == {0}


def test_wait_for_ledger_row_is_bounded(big):
    migrator = pgbraid.load(
        {"1_a.sql": "SELECT 1", "2_b.sql": "ALTER TABLE big ADD x int"}, limits=Limits(retry_for=1)
    )
    migrator.up(big.conninfo, to=1)
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE applied_migrations IN SHARE MODE")
        over, _ = in_thread(lambda: migrator.up(big.conninfo), 6, big)
    assert over, (
        "the migration keeps its ACCESS EXCLUSIVE lock while another session locks the ledger"
    )


def test_call_without_lock_reports_lock_timeout(big):
    text = "-- pgbraid: no-transaction lock-timeout=200ms retry-for=1s\nCALL p()"
    big.run("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN LOCK TABLE big; END'")
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big IN ACCESS SHARE MODE")
        with pytest.raises(MigrationFailed) as caught:
            pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert caught.value.sqlstate == "55P03", caught.value.message


@pytest.mark.parametrize("batch", [False, True])
def test_retry_runs_nothing_twice(big, batch):
    big.run("CREATE TABLE log (n int)")
    files = {
        "1_a.sql": "INSERT INTO log VALUES (1)",
        "2_b.sql": "INSERT INTO log VALUES (2); ALTER TABLE big ADD x int",
        "3_c.sql": "INSERT INTO log VALUES (3)",
    }
    with psycopg.connect(big.conninfo) as other:
        other.execute("SELECT FROM big")
        with call_after(1.5, other.rollback):
            report = pgbraid.load(files).up(big.conninfo, batch=batch)
    assert big.rows("SELECT n FROM log ORDER BY n") == [(1,), (2,), (3,)]
    assert [o.migration.version for o in report.applied] == [1, 2, 3]
