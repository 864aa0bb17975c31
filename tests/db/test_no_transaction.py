"""Migrations outside a transaction: through, or reported with what is left; never a silent half."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from psycopg import sql

import pgbraid
from pgbraid import Limits, MigrationFailed, ProblemsFound
from pgbraid.model.errors import ConfigError
from pgbraid.model.events import IndexProgress, Interrupted, LeftoverDropped, StatementSkipped

HEAD = "-- pgbraid: no-transaction\n"
FOUR = (
    HEAD + "CREATE INDEX CONCURRENTLY one ON big (a);\n"
    "CREATE INDEX CONCURRENTLY two ON big (b);\n"
    "CREATE UNIQUE INDEX CONCURRENTLY three ON big (c);\n"
    "VACUUM big;\n"
)


@pytest.fixture
def big(database):
    """A table of some size, with one value of c twice."""
    database.run("CREATE TABLE big AS SELECT n a, n b, n c FROM generate_series(1, 20000) n")
    database.run("INSERT INTO big VALUES (0, 0, 1)")
    return database


def invalid(database):
    return database.rows(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
    )


def lines(database, version=1):
    """The journal's lines of a version, each with the statement it is about."""
    return database.rows(
        "SELECT event, (detail->>'statement_number')::int FROM applied_migrations_journal"
        " WHERE version = %s ORDER BY id",
        version,
    )


def test_a_file_runs_statement_by_statement_and_each_is_written_down(big):
    big.run("DELETE FROM big WHERE a = 0")
    heard = []
    files = {"1_four.sql": FOUR, "2_next.sql": "CREATE TABLE after ()"}
    report = pgbraid.load(files).up(big.conninfo, on_event=heard.append)
    assert [o.migration.version for o in report.applied] == [1, 2]
    assert invalid(big) == []
    assert lines(big) == [
        ("started", None),
        *(pair for n in (1, 2, 3, 4) for pair in (("statement_started", n), ("statement_done", n))),
        ("applied", None),
    ]
    assert big.value("SELECT checksum FROM applied_migrations WHERE version = 1") is not None
    assert pgbraid.load(files).check(big.conninfo).ok
    assert big.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_what_fails_is_reported_with_the_index_and_everything_later_waits(big):
    files = {"1_four.sql": FOUR, "2_next.sql": "CREATE TABLE after ()"}
    braid = pgbraid.load(files)
    for _ in range(2):
        with pytest.raises(MigrationFailed) as caught:
            braid.up(big.conninfo)
        error = caught.value
        assert (error.sqlstate, error.completed_of_total, error.incomplete) == (
            "23505",
            (2, 4),
            True,
        )
        assert "It left the index public.three invalid." in error.detail
        assert error.diagnostic.location.line == 4
        assert "pgbraid resume 1" in error.hint
        assert big.versions() == []
        assert invalid(big) == [("three",)]
    assert big.value("SELECT to_regclass('after')") is None
    assert [row.state.value for row in braid.status(big.conninfo).rows] == ["incomplete", "pending"]
    assert [p.code for p in braid.check(big.conninfo).problems] == ["incomplete", "pending"]
    big.run("DELETE FROM big WHERE a = 0")
    heard = []
    report = braid.resume(big.conninfo, 1, on_event=heard.append)
    assert [o.migration.version for o in report.applied] == [1]
    assert [e.statement for e in heard if isinstance(e, LeftoverDropped)] == [
        "DROP INDEX CONCURRENTLY public.three"
    ]
    assert (big.versions(), invalid(big)) == ([1], [])
    assert [o.migration.version for o in braid.up(big.conninfo).applied] == [2]


def test_what_can_run_in_a_transaction_does_so_exactly_once(database):
    text = (
        HEAD + "CREATE TABLE t (n int); INSERT INTO t VALUES (1); SET x.y = 'kept';\n"
        "INSERT INTO t VALUES (2); VACUUM t; INSERT INTO t SELECT 1 / count(*) FROM gate;"
        "INSERT INTO t VALUES (length(current_setting('x.y')));\n"
        "COPY t FROM stdin;\n7\n8\n\\.\n"
    )
    database.run("CREATE TABLE gate ()")
    braid = pgbraid.load({"1_a.sql": text})
    for _ in range(3):
        with pytest.raises(MigrationFailed, match="division by zero"):
            braid.up(database.conninfo)
    database.run("INSERT INTO gate DEFAULT VALUES")
    braid.up(database.conninfo)
    assert database.rows("SELECT n FROM t ORDER BY n") == [(1,), (1,), (2,), (4,), (7,), (8,)]


def test_settings_hold_for_what_follows_also_after_a_cut(database):
    text = HEAD + (
        "SET search_path = app; CREATE TABLE t (n int); CREATE INDEX CONCURRENTLY i ON t (n);"
        "RESET search_path; SELECT 1 / count(*) FROM gate; CREATE TABLE u ();"
    )
    database.run("CREATE SCHEMA app; CREATE TABLE gate ()")
    braid = pgbraid.load({"1_a.sql": text})
    with pytest.raises(MigrationFailed):
        braid.up(database.conninfo)
    database.run("INSERT INTO gate DEFAULT VALUES")
    braid.up(database.conninfo)
    assert database.value("SELECT to_regclass('app.i') IS NOT NULL")
    assert database.value("SELECT to_regclass('public.u') IS NOT NULL")


def test_a_changed_statement_that_is_through_is_refused_one_ahead_is_not(big):
    braid = pgbraid.load({"1_four.sql": FOUR})
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_four.sql": FOUR.replace("big (a)", "big (b)")}).up(big.conninfo)
    assert [p.code for p in caught.value.problems] == ["incomplete_changed"]
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_four.sql": "CREATE TABLE x ()"}).up(big.conninfo)
    assert [p.code for p in caught.value.problems] == ["incomplete_changed"]
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"2_b.sql": "CREATE TABLE x ()"}).up(big.conninfo)
    assert [p.code for p in caught.value.problems] == ["incomplete_missing"]
    mended = FOUR.replace("UNIQUE ", "")
    pgbraid.load({"1_four.sql": mended}).up(big.conninfo)
    assert (big.versions(), invalid(big)) == ([1], [])
    assert "UNIQUE" not in big.value("SELECT pg_get_indexdef('three'::regclass)")


def test_a_statement_may_be_put_before_the_one_that_failed(big):
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_four.sql": FOUR}).up(big.conninfo)
    mended = FOUR.replace("CREATE UNIQUE", "DELETE FROM big WHERE a = 0;\nCREATE UNIQUE")
    pgbraid.load({"1_four.sql": mended}).up(big.conninfo)
    assert (big.versions(), invalid(big)) == ([1], [])


def test_an_index_that_was_swapped_for_another_is_not_touched(big):
    """What we began is gone, and somebody made another index of its name."""
    braid = pgbraid.load({"1_four.sql": FOUR})
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    big.run("DROP INDEX three; CREATE INDEX three ON big (b, a)")
    with pytest.raises(MigrationFailed, match="is not the index that the statement makes"):
        braid.up(big.conninfo)
    assert big.value("SELECT to_regclass('three') IS NOT NULL")


def test_an_index_that_pgbraid_did_not_begin_is_left_alone(big):
    for state in ("valid", "invalid"):
        unique = "" if state == "valid" else "UNIQUE "
        with psycopg.connect(big.conninfo, autocommit=True) as conn:
            try:
                conn.execute(f"CREATE {unique}INDEX CONCURRENTLY one ON big (c)")
            except psycopg.errors.UniqueViolation:
                assert state == "invalid"
        braid = pgbraid.load({"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"})
        for _ in range(2):
            with pytest.raises(MigrationFailed, match="exists already") as caught:
                braid.up(big.conninfo)
            assert ("is invalid" in caught.value.message) == (state == "invalid")
            assert ("--skip 1" in caught.value.hint) == (state == "valid")
        if state == "invalid":
            with pytest.raises(MigrationFailed, match=r"public\.one is invalid"):
                braid.resume(big.conninfo, 1, how="skip")
            assert big.versions() == []
        big.run("DROP INDEX one")


def test_skip_takes_a_statement_for_done_and_retry_runs_it_again(database):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); COMMIT;"
        " PERFORM pg_terminate_backend(pg_backend_pid()); END $$"
    )
    braid = pgbraid.load({"1_a.sql": HEAD + "CALL p(); INSERT INTO log VALUES (2)"})
    with pytest.raises(pgbraid.ConnectionFailed) as caught:
        braid.up(database.conninfo)
    assert "it is incomplete" in caught.value.detail
    for call in (braid.up, lambda url: braid.resume(url, 1)):
        with pytest.raises(MigrationFailed, match="it is unknown whether") as failed:
            call(database.conninfo)
        assert "pgbraid resume 1 --skip" in failed.value.hint
    with pytest.raises(pgbraid.ConnectionFailed):
        braid.resume(database.conninfo, 1, how="retry")
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]
    braid.resume(database.conninfo, 1, how="skip")
    assert database.rows("SELECT * FROM log") == [(1,), (1,), (2,)]
    assert database.versions() == [1]
    with pytest.raises(ConfigError, match="not incomplete"):
        braid.resume(database.conninfo, 1)


def test_what_was_begun_can_be_forgotten(big):
    braid = pgbraid.load({"1_four.sql": FOUR})
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    report = pgbraid.load({}).resume(big.conninfo, 1, how="forget")
    assert (report.forgotten.version, report.applied) == (1, ())
    big.run("DROP INDEX one, two, three; DELETE FROM big WHERE a = 0")
    assert len(braid.up(big.conninfo).applied) == 1


def test_a_stop_in_the_middle_is_half_done_and_goes_on(big):
    big.run("DELETE FROM big WHERE a = 0")
    stop, heard = pgbraid.StopToken(), []
    braid = pgbraid.load({"1_four.sql": FOUR})
    with psycopg.connect(big.conninfo) as other:
        other.execute("SELECT count(*) FROM big")
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(1, stop.request)
        timer.start()
        with pytest.raises(pgbraid.Stopped):
            braid.up(big.conninfo, stop=stop, on_event=heard.append)
        timer.join()
    (event,) = [event for event in heard if isinstance(event, Interrupted)]
    assert (event.applied, event.incomplete) == (False, True)
    assert invalid(big) == [("one",)]
    assert big.versions() == []
    assert len(braid.up(big.conninfo).applied) == 1
    assert invalid(big) == []


def test_the_lock_of_a_waiting_run_does_not_stop_a_concurrent_index(big):
    big.run("DELETE FROM big WHERE a = 0")
    reports = []
    boots = [
        threading.Thread(
            target=lambda: reports.append(pgbraid.load({"1_four.sql": FOUR}).up(big.conninfo))
        )
        for _ in range(5)
    ]
    for boot in boots:
        boot.start()
    for boot in boots:
        boot.join(60)
    assert sum(len(report.applied) for report in reports) == 1
    assert len(reports) == 5
    assert invalid(big) == []
    assert lines(big).count(("statement_started", 1)) == 1


def test_how_far_an_index_is_and_who_is_in_the_way_is_told(big):
    heard = []
    with psycopg.connect(big.conninfo, application_name="the dump") as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(1.5, other.commit)
        timer.start()
        text = HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"
        pgbraid.load({"1_a.sql": text}).up(big.conninfo, on_event=heard.append)
        timer.join()
    assert {e.table for e in heard if isinstance(e, IndexProgress)} == {"public.big"}
    assert any("the dump" in holder for e in heard for holder in getattr(e, "blockers", ()))


def test_no_lock_timeout_cuts_a_concurrent_index(big):
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(0.8, other.commit)
        timer.start()
        text = "SET lock_timeout = '10ms'; CREATE INDEX CONCURRENTLY one ON big (a)"
        braid = pgbraid.load({"1_a.sql": HEAD + text}, limits=Limits(lock_timeout=0.05))
        assert len(braid.up(big.conninfo).applied) == 1
        timer.join()


RUN = """
import sys, pgbraid
pgbraid.load({"1_four.sql": sys.argv[2]}).up(sys.argv[1])
"""


@pytest.mark.parametrize("way", ["kill", "terminate", "cancel"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cut_anywhere_it_ends_valid_or_reported(big, way, seed):
    """With data that fits: whatever is cut, running again completes it."""
    big.run("DELETE FROM big WHERE a = 0")
    chance = random.Random(seed)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, big.conninfo, FOUR], stderr=subprocess.PIPE
        )
        _cut(big, process, way, chance.uniform(0.0, 0.12))
        process.communicate(timeout=60)
        if process.returncode == 0:
            break
        if big.value("SELECT to_regclass('applied_migrations')"):
            assert big.versions() == [] or invalid(big) == []
    assert pgbraid.load({"1_four.sql": FOUR}).up(big.conninfo).previously_applied in {0, 1}
    assert (big.versions(), invalid(big)) == ([1], [])


def _cut(database, process, way, pause):
    """End a run some time after it began to build."""
    deadline = time.monotonic() + 30
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        while time.monotonic() < deadline and process.poll() is None:
            if conn.execute("SELECT to_regclass('applied_migrations_journal')").fetchone()[0]:
                break
        time.sleep(pause)
        if way == "kill":
            os.kill(process.pid, signal.SIGKILL)
        else:
            conn.execute(
                sql.SQL(
                    "SELECT {}(pid) FROM pg_stat_activity WHERE application_name ~ 'pgbraid'"
                ).format(sql.Identifier(f"pg_{way}_backend"))
            )


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
def test_what_no_transaction_holds_runs(big, statement):
    if (
        "DETACH" in statement
        and big.value("SELECT current_setting('server_version_num')::int") < 140000
    ):
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE INDEX here ON big (a); CREATE PROCEDURE nothing() LANGUAGE sql AS ''")
    big.run(
        "CREATE MATERIALIZED VIEW seen AS SELECT 1;"
        " CREATE TABLE parent (n int) PARTITION BY LIST (n)"
    )
    big.run("CREATE TABLE child PARTITION OF parent FOR VALUES IN (1)")
    pgbraid.load({"1_a.sql": HEAD + statement}).up(big.conninfo)
    assert big.versions() == [1]
    assert lines(big)[-1] == ("applied", None)


def test_a_detach_that_was_cut_is_finished(big):
    if big.value("SELECT current_setting('server_version_num')::int") < 140000:
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE TABLE parent (n int) PARTITION BY LIST (n)")
    big.run("CREATE TABLE child PARTITION OF parent FOR VALUES IN (1)")
    braid = pgbraid.load(
        {"1_a.sql": HEAD + "ALTER TABLE parent DETACH PARTITION child CONCURRENTLY"}
    )
    stop = pgbraid.StopToken()
    with psycopg.connect(big.conninfo) as other:
        other.execute("SELECT FROM parent")
        timer = threading.Timer(1, stop.request)
        timer.start()
        with pytest.raises(pgbraid.Stopped):
            braid.up(big.conninfo, stop=stop)
        timer.join()
    assert big.value("SELECT inhdetachpending FROM pg_inherits") is True
    assert len(braid.up(big.conninfo).applied) == 1
    assert big.value("SELECT count(*) FROM pg_inherits") == 0


def test_what_a_cut_reindex_left_is_taken_away(big):
    big.run("CREATE INDEX here ON big (a)")
    braid = pgbraid.load({"1_a.sql": HEAD + "REINDEX INDEX CONCURRENTLY here"})
    stop = pgbraid.StopToken()
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(1, stop.request)
        timer.start()
        with pytest.raises(pgbraid.Stopped):
            braid.up(big.conninfo, stop=stop)
        timer.join()
    assert invalid(big) == [("here_ccnew",)]
    assert len(braid.up(big.conninfo).applied) == 1
    assert invalid(big) == []
    assert big.rows("SELECT relname FROM pg_class WHERE relname ~ '^here' ORDER BY 1") == [
        ("here",)
    ]


def test_a_status_shows_what_is_half_done_and_has_no_file(big):
    """The folder of an older release boots all the same."""
    older = pgbraid.load({"0_before.sql": "--"})
    with pytest.raises(MigrationFailed):
        pgbraid.load({"0_before.sql": "--", "1_four.sql": FOUR}).up(big.conninfo)
    assert older.up(big.conninfo).previously_applied == 1
    assert [p.code for p in older.status(big.conninfo).problems] == ["incomplete_missing"]


# --- what a boot sees of it


@pytest.fixture
def gone(database):
    """A release, whose folder lacks what a newer one has left incomplete."""
    older = {"1_a.sql": "CREATE TABLE a ()"}
    newer = {**older, "2_x.sql": HEAD + "CREATE TABLE b (); SELECT 1 / 0; VACUUM b"}
    with pytest.raises(MigrationFailed):
        pgbraid.load(newer).up(database.conninfo)
    return older


def test_an_older_release_boots_and_is_told_what_is_half_done(database, gone):
    braid = pgbraid.load(gone)
    report = braid.up(database.conninfo)
    assert [problem.code for problem in report.warnings] == ["incomplete_missing"]
    assert not braid.plan(database.conninfo).errors
    check = braid.check(database.conninfo)
    assert [problem.code for problem in check.problems] == ["incomplete_missing"]
    assert not check.ok
    rows = [(row.version, row.state.value) for row in braid.status(database.conninfo).rows]
    assert rows == [(1, "applied"), (2, "incomplete")]


def test_what_is_pending_waits_for_what_is_half_done_elsewhere(database, gone):
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({**gone, "3_c.sql": "CREATE TABLE c ()"}).up(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["incomplete_missing"]


def test_a_set_without_a_journal_has_nothing_half_done(database):
    """Another program made it, or the role may not read what is beside it."""
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"})
    braid.up(database.conninfo)
    database.run("ALTER TABLE applied_migrations_journal RENAME TO elsewhere")
    assert braid.up(database.conninfo).previously_applied == 1
    assert braid.check(database.conninfo).ok


# --- what the journal says, and nobody may take from it


def test_a_statement_that_empties_the_journal_is_rolled_back(database):
    database.run("CREATE TABLE b (n int)")
    text = HEAD + "INSERT INTO b VALUES (1); DELETE FROM applied_migrations_journal; VACUUM b;"
    braid = pgbraid.load({"1_x.sql": text})
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="are gone") as caught:
            braid.up(database.conninfo)
        assert caught.value.completed_of_total == (1, 3)
    assert database.rows("SELECT n FROM b") == [(1,)]


def test_a_procedure_that_empties_the_journal_makes_nothing_run_again(database):
    database.run("CREATE TABLE b (n int)")
    database.run(
        "CREATE PROCEDURE prune() LANGUAGE plpgsql AS"
        " 'BEGIN TRUNCATE applied_migrations_journal; COMMIT; END'"
    )
    text = HEAD + "INSERT INTO b VALUES (1); CALL prune(); INSERT INTO b VALUES (2)"
    braid = pgbraid.load({"1_x.sql": text})
    with pytest.raises(MigrationFailed, match="are gone"):
        braid.up(database.conninfo)
    braid.up(database.conninfo)  # what was through is so again
    assert database.rows("SELECT n FROM b") == [(1,), (2,)]


# --- what is decided is decided about one statement


def test_skip_is_for_the_statement_that_was_looked_at(database):
    text = HEAD + (
        "CREATE TABLE t (n int); VACUUM nosuch;"
        "DO $$ BEGIN PERFORM pg_sleep(1.5); RAISE 'backfill failed'; END $$;"
        "INSERT INTO t VALUES (5)"
    )
    braid = pgbraid.load({"1_x.sql": text})
    with pytest.raises(MigrationFailed, match="nosuch"):
        braid.up(database.conninfo)
    found = []

    def skip():
        with pytest.raises(MigrationFailed) as caught:
            braid.resume(database.conninfo, 1, how="skip")
        found.append(str(caught.value))

    threads = [threading.Thread(target=skip) for _ in range(2)]
    threads[0].start()
    time.sleep(0.7)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert "backfill failed" in found[0]
    assert "has continued" in found[1]
    assert database.rows("SELECT n FROM t") == []


def test_skip_says_what_it_skipped_and_heeds_a_number(database):
    braid = pgbraid.load({"1_x.sql": HEAD + "CREATE TABLE t (n int); VACUUM nosuch; SELECT 1"})
    with pytest.raises(MigrationFailed):
        braid.up(database.conninfo)
    with pytest.raises(ConfigError, match="is at statement 2, not at statement 3"):
        braid.resume(database.conninfo, 1, how="skip", statement=3)
    heard = []
    braid.resume(database.conninfo, 1, how="skip", statement=2, on_event=heard.append)
    skipped = [(e.number, e.statement) for e in heard if isinstance(e, StatementSkipped)]
    assert skipped == [(2, "VACUUM nosuch")]
    assert database.versions() == [1]
