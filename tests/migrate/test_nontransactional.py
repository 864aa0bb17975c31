"""Files outside a transaction: statement by statement, each recorded in the journal."""

import threading

import psycopg
import pytest

import pgbraid
from pgbraid import ConfigError, Limits, MigrationFailed, ProblemsFound
from pgbraid.model.events import IndexProgress, LeftoverDropped
from tests.fixtures.interruption import call_after, until
from tests.fixtures.nontransactional import FOUR, HEAD, invalid, lines

WAITS_FOR_TABLE = (
    "SELECT count(*) > 0 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
    " WHERE datname = current_database() AND locktype = 'relation' AND NOT granted"
)


def test_run_to_version_below_incomplete_migration_is_refused(big):
    big.run("CREATE TABLE gate ()")
    files = {"1_a.sql": "SELECT 1", "5_b.sql": HEAD + "SELECT 1 / count(*) FROM gate"}
    with pytest.raises(MigrationFailed):
        pgbraid.load(files).up(big.conninfo)
    big.run("INSERT INTO gate DEFAULT VALUES")
    files |= {"3_c.sql": "SELECT 1"}
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(files).up(big.conninfo, to=3)
    assert [problem.code for problem in caught.value.problems] == ["incomplete_above"]
    assert big.versions() == [1]
    pgbraid.load(files).up(big.conninfo, to=5)
    assert big.versions() == [1, 3, 5]


def test_statements_that_release_lock_do_not_stop_run(big):
    text = HEAD + "SELECT pg_advisory_unlock_all();" * 4 + "VACUUM big"
    assert len(pgbraid.load({"1_a.sql": text}).up(big.conninfo).applied) == 1


def test_incomplete_migration_continues_and_is_not_adopted(big):
    big.run("CREATE TABLE gate (); CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    big.run("INSERT INTO schema_migrations VALUES (1, false)")
    text = HEAD + "CREATE TABLE t (); SELECT 1 / count(*) FROM gate"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text}, adopt=False).up(big.conninfo)
    migrator = pgbraid.load({"1_a.sql": text})
    with pytest.raises(MigrationFailed, match="division by zero"):
        migrator.up(big.conninfo)
    with pytest.raises(ConfigError, match="1_a is incomplete, so the history") as caught:
        migrator.adopt(big.conninfo)
    assert "`pgbraid resume 1 --forget`" in caught.value.hint
    assert big.versions() == []
    big.run("INSERT INTO gate DEFAULT VALUES")
    assert migrator.up(big.conninfo).adoption is None
    assert lines(big)[-2:] == [("statement_done", 2), ("applied", None)]


def test_reindex_concurrently_off_runs_in_transaction(big):
    if big.value("SHOW server_version_num") < "140000":
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE INDEX here ON big (a)")
    assert (
        len(
            pgbraid.load({"1_a.sql": "REINDEX (CONCURRENTLY off) TABLE big"})
            .up(big.conninfo)
            .applied
        )
        == 1
    )


def test_dry_run_runs_nothing_of_it(big):
    files = {"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY i ON big (a); CREATE TABLE i ()"}
    pgbraid.load(files).up(big.conninfo, dry_run=True)
    assert big.value("SELECT to_regclass('i')") is None


def test_waiting_detach_does_not_block_readers_of_partition(big):
    """DETACH ends with an ACCESS EXCLUSIVE lock on the partition: its wait must be short."""
    if big.value("SHOW server_version_num") < "140000":
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE TABLE parent (n int) PARTITION BY LIST (n)")
    big.run("CREATE TABLE child PARTITION OF parent FOR VALUES IN (1)")
    text = HEAD + "ALTER TABLE parent DETACH PARTITION child CONCURRENTLY"
    migrator = pgbraid.load({"1_a.sql": text}, limits=Limits(lock_timeout=0.3, retry_for=60))
    assert_waiting_run_does_not_block(big, migrator, "SELECT n FROM child")
    assert big.value("SELECT count(*) FROM pg_inherits") == 0


def test_waiting_reindex_of_partitioned_table_does_not_block_writers(parted):
    text = HEAD + "REINDEX TABLE CONCURRENTLY p"
    migrator = pgbraid.load({"1_a.sql": text}, limits=Limits(lock_timeout=0.3, retry_for=60))
    assert_waiting_run_does_not_block(parted, migrator, "INSERT INTO p1 VALUES (1)")
    assert invalid(parted) == []


def assert_waiting_run_does_not_block(database, migrator, statement):
    """Run while a transaction with ``statement`` blocks it; another session runs it, too."""
    run = threading.Thread(target=migrator.up, args=(database.conninfo,))
    with (
        psycopg.connect(database.conninfo) as blocker,
        psycopg.connect(database.conninfo) as application,
    ):
        blocker.execute(statement)
        run.start()
        try:
            until(database, WAITS_FOR_TABLE)
            application.execute("SET lock_timeout = '5s'")
            application.execute(statement)
        finally:
            application.rollback()
            blocker.rollback()
            run.join()
    assert database.versions() == [1]


@pytest.mark.parametrize("tail", ["SET work_mem = 'nonsense'", "SELECT 1 / 0"])
def test_failed_nontransactional_file_is_not_reported_as_rolled_back(database, cli, folder, tail):
    folder.write(_1_a=f"{HEAD}CREATE TABLE t (); {tail}")
    for _ in range(2):
        answer = cli("up", code=3)
        assert "rolled back" not in answer.err
        assert "1_a is incomplete: 1 of its 2 statements completed" in answer.err
    assert cli("up", "--json").json["error"]["incomplete"] is True


def test_file_runs_statement_by_statement_with_journal_rows(double):
    double.run("DELETE FROM big WHERE a = 0")
    emitted = []
    files = {"1_four.sql": FOUR, "2_next.sql": "CREATE TABLE after ()"}
    report = pgbraid.load(files).up(double.conninfo, on_event=emitted.append)
    assert [o.migration.version for o in report.applied] == [1, 2]
    assert invalid(double) == []
    assert lines(double) == [
        ("started", None),
        *(pair for n in (1, 2, 3, 4) for pair in (("statement_started", n), ("statement_done", n))),
        ("applied", None),
    ]
    assert double.value("SELECT checksum FROM applied_migrations WHERE version = 1") is not None
    assert pgbraid.load(files).check(double.conninfo).ok
    assert double.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_failure_is_reported_with_invalid_index_and_stops_run(double):
    files = {"1_four.sql": FOUR, "2_next.sql": "CREATE TABLE after ()"}
    migrator = pgbraid.load(files)
    for _ in range(2):
        with pytest.raises(MigrationFailed) as caught:
            migrator.up(double.conninfo)
        error = caught.value
        assert (error.sqlstate, error.completed_of_total, error.incomplete) == (
            "23505",
            (2, 4),
            True,
        )
        assert "It left the index public.three invalid." in error.detail
        assert error.diagnostic.location.line == 4
        assert "pgbraid resume 1" in error.hint
        assert double.versions() == []
        assert invalid(double) == [("three",)]
    assert double.value("SELECT to_regclass('after')") is None
    assert [row.state.value for row in migrator.status(double.conninfo).rows] == [
        "incomplete",
        "pending",
    ]
    assert [p.code for p in migrator.check(double.conninfo).problems] == ["incomplete", "pending"]
    double.run("DELETE FROM big WHERE a = 0")
    emitted = []
    report = migrator.resume(double.conninfo, 1, on_event=emitted.append)
    assert [o.migration.version for o in report.applied] == [1]
    assert [e.statement for e in emitted if isinstance(e, LeftoverDropped)] == [
        "DROP INDEX CONCURRENTLY public.three"
    ]
    assert (double.versions(), invalid(double)) == ([1], [])
    assert [o.migration.version for o in migrator.up(double.conninfo).applied] == [2]


def test_transactional_statements_run_exactly_once(database):
    text = (
        HEAD + "CREATE TABLE t (n int); INSERT INTO t VALUES (1); SET x.y = 'kept';\n"
        "INSERT INTO t VALUES (2); VACUUM t; INSERT INTO t SELECT 1 / count(*) FROM gate;"
        "INSERT INTO t VALUES (length(current_setting('x.y')));\n"
        "COPY t FROM stdin;\n7\n8\n\\.\n"
    )
    database.run("CREATE TABLE gate ()")
    migrator = pgbraid.load({"1_a.sql": text})
    for _ in range(3):
        with pytest.raises(MigrationFailed, match="division by zero"):
            migrator.up(database.conninfo)
    database.run("INSERT INTO gate DEFAULT VALUES")
    migrator.up(database.conninfo)
    assert database.rows("SELECT n FROM t ORDER BY n") == [(1,), (1,), (2,), (4,), (7,), (8,)]


def test_lock_of_waiting_run_does_not_stop_concurrent_index(double):
    double.run("DELETE FROM big WHERE a = 0")
    reports = []
    boots = [
        threading.Thread(
            target=lambda: reports.append(pgbraid.load({"1_four.sql": FOUR}).up(double.conninfo))
        )
        for _ in range(5)
    ]
    for boot in boots:
        boot.start()
    for boot in boots:
        boot.join(60)
    assert sum(len(report.applied) for report in reports) == 1
    assert len(reports) == 5
    assert invalid(double) == []
    assert lines(double).count(("statement_started", 1)) == 1


def test_index_progress_and_blockers_are_reported(double):
    emitted = []
    with psycopg.connect(double.conninfo, application_name="the dump") as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        with call_after(1.5, other.commit):
            text = HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"
            pgbraid.load({"1_a.sql": text}).up(double.conninfo, on_event=emitted.append)
    assert {e.table for e in emitted if isinstance(e, IndexProgress)} == {"public.big"}
    assert any("the dump" in holder for e in emitted for holder in getattr(e, "blockers", ()))


def test_no_lock_timeout_cuts_concurrent_index(double):
    with psycopg.connect(double.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        with call_after(0.8, other.commit):
            text = "SET lock_timeout = '10ms'; CREATE INDEX CONCURRENTLY one ON big (a)"
            migrator = pgbraid.load({"1_a.sql": HEAD + text}, limits=Limits(lock_timeout=0.05))
            assert len(migrator.up(double.conninfo).applied) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DROP INDEX CONCURRENTLY here",
        "REINDEX INDEX CONCURRENTLY here",
        "REINDEX (VERBOSE) TABLE CONCURRENTLY big",
        "VACUUM (ANALYZE) big",
        "CLUSTER",
        "CALL nothing()",
        "DO $$ BEGIN COMMIT; END $$",
        "REFRESH MATERIALIZED VIEW seen",
        "ALTER TABLE parent DETACH PARTITION child CONCURRENTLY",
    ],
)
def test_nontransactional_statements_run(double, statement):
    if (
        "DETACH" in statement
        and double.value("SELECT current_setting('server_version_num')::int") < 140000
    ):
        pytest.skip("came with PostgreSQL 14")
    double.run("CREATE INDEX here ON big (a); CREATE PROCEDURE nothing() LANGUAGE sql AS ''")
    double.run(
        "CREATE MATERIALIZED VIEW seen AS SELECT 1;"
        " CREATE TABLE parent (n int) PARTITION BY LIST (n)"
    )
    double.run("CREATE TABLE child PARTITION OF parent FOR VALUES IN (1)")
    pgbraid.load({"1_a.sql": HEAD + statement}).up(double.conninfo)
    assert double.versions() == [1]
    assert lines(double)[-1] == ("applied", None)
