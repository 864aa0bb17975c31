"""What the journal keeps of waits for other sessions, and of the size of a run."""

import threading

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.model.events import Retrying
from pgbraid.postgres.locks.backends import without_query
from pgbraid.postgres.locks.lock_waits import LockWaits

QUICK = Limits(lock_timeout=0.3, retry_for=60)
JOURNAL = "applied_migrations_journal"


@pytest.fixture
def blocker(database):
    """A session that locks table t until it commits."""
    database.run("CREATE TABLE t (x int)")
    with psycopg.connect(database.conninfo, application_name="the dump") as conn:
        conn.execute("SELECT 'hunter2-x' AS password FROM t")
        yield conn


def details(database, event="applied"):
    query = f"SELECT version, detail FROM {JOURNAL} WHERE event = '{event}' ORDER BY id"
    return dict(database.rows(query))


def run(database, files, blocker, *, retries=2, **options):
    """Apply the files; the blocker ends when the migration was tried this many times."""

    def on_event(event):
        if isinstance(event, Retrying) and event.attempt == retries:
            blocker.commit()

    migrator = pgbraid.load(files, limits=QUICK)
    return migrator.up(database.conninfo, on_event=on_event, **options)


WAYS = {
    "one message": "ALTER TABLE t ADD y int",
    "statement by statement": "-- pgbraid: isolation=serializable\nALTER TABLE t ADD y int",
    "with a routine": (
        "ALTER TABLE t ADD y int; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    ),
    "with COPY": "ALTER TABLE t ADD y int;\nCOPY t (x) FROM stdin;\n1\n\\.\n",
    "no transaction": "-- pgbraid: no-transaction\nALTER TABLE t ADD y int; VACUUM t",
}


@pytest.mark.parametrize("way", WAYS)
def test_applied_line_has_attempts_time_and_blockers(database, blocker, way):
    files = {"1_a.sql": WAYS[way], "2_b.sql": "CREATE TABLE b ()"}
    report = run(database, files, blocker)
    assert len(report.applied) == 2
    journaled = details(database)
    assert journaled[1]["attempts"] == 3
    assert journaled[1]["waited_ms"] >= 2 * 300
    (holder,) = journaled[1]["blocked_by"]
    assert holder.startswith(f"process {blocker.info.backend_pid} (the dump), role ")
    assert holder.endswith("idle in transaction")
    assert journaled[1]["planned"] == 2
    assert journaled[2] is None


def test_query_of_blocker_is_not_kept(database, blocker):
    run(database, {"1_a.sql": WAYS["one message"]}, blocker)
    text = database.value(f"SELECT string_agg(j::text, '') FROM {JOURNAL} j")
    assert "hunter2" not in text
    assert "SELECT" not in text.replace("statement", "")


def test_gap_keeps_its_mark_beside_waits(database, blocker):
    pgbraid.load({"2_b.sql": "CREATE TABLE b ()"}).up(database.conninfo)
    files = {"1_a.sql": WAYS["one message"], "2_b.sql": "CREATE TABLE b ()"}
    run(database, files, blocker, retries=1)
    journaled = details(database)
    assert journaled[1]["gap"] is True
    assert journaled[1]["attempts"] == 2
    assert pgbraid.load(files).check(database.conninfo).ok


def test_waits_on_a_fresh_database_are_kept(database, server):
    """Where messages skip the reset and the checks of the ledger."""
    with psycopg.connect(database.conninfo, application_name="the dump") as other:
        other.execute("SELECT pg_advisory_xact_lock(7)")
        files = {
            "1_a.sql": "CREATE TABLE a ()",
            "2_b.sql": "CREATE TABLE b (); SELECT pg_advisory_xact_lock(7)",
            "3_c.sql": "CREATE TABLE c ()",
        }
        run(database, files, other, retries=1)
    journaled = details(database)
    assert journaled[2]["attempts"] == 2
    assert journaled[3] is None


def test_failed_line_has_waits(database, blocker):
    migrator = pgbraid.load(
        {"1_a.sql": WAYS["one message"]}, limits=Limits(lock_timeout=0.3, retry_for=1)
    )
    with pytest.raises(MigrationFailed):
        migrator.up(database.conninfo)
    journaled = details(database, "failed")[1]
    assert journaled["sqlstate"] == "55P03"
    assert journaled["attempts"] >= 2
    assert "(the dump)" in journaled["blocked_by"][0]
    blocker.commit()
    migrator.up(database.conninfo)
    assert details(database) == {1: None}


def test_failed_line_of_a_statement_outside_a_transaction_has_waits(database, blocker):
    files = {"1_a.sql": "-- pgbraid: no-transaction\nALTER TABLE t ADD y int; VACUUM t"}
    migrator = pgbraid.load(files, limits=Limits(lock_timeout=0.3, retry_for=1))
    with pytest.raises(MigrationFailed):
        migrator.up(database.conninfo)
    assert details(database, "failed")[1]["attempts"] >= 2
    blocker.commit()
    migrator.up(database.conninfo)
    assert details(database) == {1: None}


def test_waits_of_several_statements_are_added(database, blocker):
    database.run("CREATE TABLE u (x int)")
    text = "-- pgbraid: no-transaction\nALTER TABLE t ADD y int; ALTER TABLE u ADD y int; VACUUM t"
    locked = threading.Event()

    def on_event(event):
        if not isinstance(event, Retrying):
            return
        if not locked.is_set():
            other.execute("LOCK TABLE u IN ACCESS SHARE MODE")
            blocker.commit()
            locked.set()
        else:
            other.commit()

    with psycopg.connect(database.conninfo, application_name="the report") as other:
        pgbraid.load({"1_a.sql": text}, limits=QUICK).up(database.conninfo, on_event=on_event)
    journaled = details(database)[1]
    assert journaled["attempts"] == 3
    assert [
        "(the dump)" in journaled["blocked_by"][0],
        "(the report)" in journaled["blocked_by"][1],
    ] == [
        True,
        True,
    ]


def test_first_line_of_a_run_has_the_number_of_its_migrations(database):
    files = {"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "CREATE TABLE b ()"}
    pgbraid.load(files).up(database.conninfo)
    pgbraid.load({**files, "3_c.sql": "CREATE TABLE c ()"}).up(database.conninfo)
    assert details(database) == {1: {"planned": 2}, 2: None, 3: None}


def test_boot_without_work_writes_no_line(database):
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"})
    migrator.up(database.conninfo)
    before = database.value(f"SELECT count(*) FROM {JOURNAL}")
    migrator.up(database.conninfo)
    assert database.value(f"SELECT count(*) FROM {JOURNAL}") == before


SESSION = "process 1 (psql), role a"
PREPARED = "the prepared transaction 'p' (role r, prepared now)"


@pytest.mark.parametrize(
    ("description", "kept"),
    [
        (
            f"{SESSION}, idle in transaction, last ran: SELECT 1, 2",
            f"{SESSION}, idle in transaction",
        ),
        (f"{SESSION}, running: UPDATE t SET p = 'x'", SESSION),
        ("process 1 (a, running: b), role a, running: SELECT 1", "process 1 (a"),
        (PREPARED, PREPARED),
    ],
)
def test_description_without_query_ends_before_it(description, kept):
    assert without_query(description) == kept


def test_one_session_is_listed_once_and_at_most_five_are():
    waits = LockWaits()
    for number in (1, 1, 2, 3, 4, 5, 6, 7):
        waits = waits.plus(1, 0.5, (f"process {number} (a), in a transaction since {waits}",))
    assert [name.partition(" (")[0] for name in waits.blocked_by] == [
        f"process {number}" for number in range(1, 6)
    ]
    assert (waits.detail["attempts"], waits.detail["waited_ms"]) == (9, 4000)
    assert LockWaits().detail == {}
