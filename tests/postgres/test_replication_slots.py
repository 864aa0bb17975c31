"""Replication slots: created before the transaction writes; never in a dry run."""

import threading

import psycopg
import pytest

import pgbraid
from pgbraid import MigrationFailed
from pgbraid.model.errors import ConfigError
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir
from tests.fixtures.nontransactional import HEAD

MAKE = "SELECT pg_create_logical_replication_slot('a', 'pgoutput')"
HELPER = (
    "CREATE FUNCTION make(slot name) RETURNS void LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_create_logical_{}(slot, 'pgoutput'); END $$"
)


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    """A server with logical replication, instead of the server of the other tests."""
    folder = tmp_path_factory.mktemp("server") / "db"
    options = {"wal_level": "logical", "max_wal_senders": "4", "max_replication_slots": "8"}
    with (
        embedded_server(folder, programs=programs, cache=cache_dir()) as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):
        for name, value in options.items():
            conn.execute(f"ALTER SYSTEM SET {name} = {value}")
    with embedded_server(folder, programs=programs, cache=cache_dir()) as server:
        yield server.conninfo


@pytest.fixture(autouse=True)
def _no_slot_is_left(database):
    yield
    database.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def slots(database):
    return [name for (name,) in database.rows("SELECT slot_name FROM pg_replication_slots")]


@pytest.fixture(params=["fresh", "used", "batch", "large", "pooler"])
def up(request, database):
    """Run ``up`` in every way; returns the report."""
    if request.param != "fresh":
        database.run("CREATE SCHEMA app; CREATE TABLE app.before ()")
    if request.param == "pooler":
        pooled = request.getfixturevalue("pooled")
        return lambda files: pgbraid.load(files).up(pooled)
    if request.param == "large":
        tail = ";\n" + "-- a line\n" * 120_000
        return lambda files: pgbraid.load({name: text + tail for name, text in files.items()}).up(
            database.conninfo
        )
    return lambda files: pgbraid.load(files).up(database.conninfo, batch=request.param == "batch")


TEXTS = [
    MAKE,
    f"{MAKE}; CREATE TABLE behind ()",
    MAKE.replace("pg_create", "pg_catalog.PG_CREATE"),
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'a') THEN"
    " PERFORM pg_create_logical_replication_slot('a', 'pgoutput'); END IF; END $$",
    "SELECT pg_create_physical_replication_slot('a')",
]


@pytest.mark.parametrize("text", TEXTS)
def test_slot_is_made_and_file_recorded(database, up, text):
    files = {"1_a.sql": "CREATE TABLE t ()", "2_b.sql": text, "3_c.sql": "CREATE TABLE c ()"}
    assert [o.migration.version for o in up(files).applied] == [1, 2, 3]
    assert (slots(database), database.versions()) == (["a"], [1, 2, 3])
    assert database.value("SELECT to_regclass('behind') IS NOT NULL") == ("behind" in text)


@pytest.mark.parametrize("text", TEXTS)
def test_slot_is_made_in_file_outside_transaction(database, text):
    pgbraid.load({"1_a.sql": f"{HEAD}CREATE TABLE t (); {text}"}).up(database.conninfo)
    assert (slots(database), database.versions()) == (["a"], [1])
    assert database.value("SELECT to_regclass('behind') IS NOT NULL") == ("behind" in text)


@pytest.mark.parametrize("head", ["", HEAD])
def test_function_of_earlier_file_makes_one(database, head):
    """The text does not show the slot, so the migration runs again."""
    files = {
        "1_a.sql": HELPER.format("replication_slot"),
        "2_b.sql": f"{head}PREPARE p AS SELECT 1; SELECT make('a')",
    }
    pgbraid.load(files).up(database.conninfo, to=1)
    report = pgbraid.load(files).up(database.conninfo)
    assert [o.migration.version for o in report.applied] == [2]
    assert (slots(database), database.versions()) == (["a"], [1, 2])


def test_copy_of_slot_is_made(database):
    files = {
        "1_a.sql": MAKE,
        "2_b.sql": "SELECT pg_copy_logical_replication_slot('a', 'b')",
        "3_c.sql": "SELECT pg_drop_replication_slot('a')",
    }
    pgbraid.load(files).up(database.conninfo)
    assert slots(database) == ["b"]


def test_another_isolation_level_holds_there_too(database):
    level = "CREATE TABLE level AS SELECT current_setting('transaction_isolation') AS is"
    text = f"-- pgbraid: isolation=repeatable-read\n{MAKE}; {level}"
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert database.rows("SELECT * FROM level") == [("repeatable read",)]


@pytest.mark.parametrize("text", [f"CREATE TABLE t (); {MAKE}", "SELECT nextval('s'), make('a')"])
def test_slot_behind_write_is_error_with_way_out(database, text):
    database.run(HELPER.format("replication_slot") + "; CREATE SEQUENCE s; CREATE TABLE w ()")
    database.run(
        "CREATE OR REPLACE FUNCTION make(slot name) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO w DEFAULT VALUES;"
        " PERFORM pg_create_logical_replication_slot(slot, 'pgoutput'); END $$"
    )
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert caught.value.sqlstate == "25001"
    assert "in the first statement of a file of its own" in caught.value.hint
    assert (slots(database), database.versions()) == ([], [])
    assert database.value("SELECT to_regclass('t')") is None


# --- the assertions hold without a transaction id

ENDINGS = [
    "COMMIT",
    "COMMIT; BEGIN; CREATE TABLE public.rest ()",
    "COMMIT AND CHAIN",
    "COMMIT AND CHAIN; CREATE TABLE public.rest ()",
    "CREATE TABLE public.half (); COMMIT AND CHAIN; CREATE TABLE public.rest ()",
    "ROLLBACK; BEGIN",
    "CREATE TABLE public.half (); ROLLBACK; BEGIN; SELECT 1",
    "ROLLBACK AND CHAIN",
    "SAVEPOINT a; COMMIT AND CHAIN; SAVEPOINT a",
    "SELECT pg_advisory_xact_lock(1); COMMIT AND CHAIN; SELECT pg_advisory_xact_lock(1)",
]


@pytest.mark.parametrize("text", ENDINGS)
@pytest.mark.parametrize("used", [False, True])
def test_text_that_ends_its_transaction_is_never_recorded(database, monkeypatch, text, used):
    monkeypatch.setattr("pgbraid.source.content.check_script", lambda *_: ())
    if used:
        database.run("CREATE TABLE before ()")
    files = {
        "1_a.sql": "SELECT 1",
        "2_b.sql": f"/* replication_slot */ {text}",
        "3_c.sql": "SELECT 1",
    }
    with pytest.raises(MigrationFailed, match="ended its transaction") as caught:
        pgbraid.load(files).up(database.conninfo)
    assert caught.value.incomplete
    assert database.versions() == [1]


@pytest.mark.parametrize("text", ["DO $$ BEGIN COMMIT; END $$", "CALL ends()"])
def test_code_that_would_end_its_transaction_is_refused_by_server(database, text):
    database.run("CREATE PROCEDURE ends() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'")
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": f"-- replication_slot\n{text}"}).up(database.conninfo)
    assert (caught.value.sqlstate, caught.value.incomplete) == ("2D000", False)
    assert database.versions() == []


@pytest.mark.parametrize(
    "text",
    [
        "SAVEPOINT a; CREATE TABLE t (); ROLLBACK TO a; CREATE TABLE u (); RELEASE a",
        "SAVEPOINT a; SELECT 1; SAVEPOINT b",
        "DO $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN OTHERS THEN NULL; END $$",
        "SET ROLE pg_monitor; SET search_path = pg_temp; SET LOCAL lock_timeout = 1",
        "SELECT pg_current_xact_id()",
        "SELECT pg_export_snapshot()",
    ],
)
def test_migration_that_keeps_its_transaction_is_recorded(database, text):
    pgbraid.load({"1_a.sql": f"-- replication_slot\n{text}"}).up(database.conninfo)
    assert database.versions() == [1]


def test_migration_that_makes_slot_and_writes_applied_set_is_refused(database):
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    row = "INSERT INTO applied_migrations (version, name) VALUES (3, 'c')"
    with pytest.raises(MigrationFailed, match="writes to"):
        pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": f"{MAKE}; {row}"}).up(database.conninfo)
    assert database.versions() == [1]


def test_runs_at_once_make_it_once(database):
    database.run("CREATE TABLE before ()")
    migrator = pgbraid.load({"1_a.sql": MAKE})
    reports = []
    boots = [
        threading.Thread(target=lambda: reports.append(migrator.up(database.conninfo)))
        for _ in range(5)
    ]
    for boot in boots:
        boot.start()
    for boot in boots:
        boot.join(60)
    assert sum(len(report.applied) for report in reports) == 1
    assert len(reports) == 5


# --- no try has effects that a rollback keeps


def test_dry_run_neither_makes_nor_drops_slot(database):
    pgbraid.load({"1_a.sql": MAKE}).up(database.conninfo)
    files = {
        "1_a.sql": MAKE,
        "2_b.sql": MAKE.replace("'a'", "'b'"),
        "3_c.sql": "SELECT pg_create_physical_replication_slot('c')",
        "4_d.sql": "SELECT pg_drop_replication_slot('a')",
        "5_e.sql": "SELECT count(*) FROM pg_replication_slots",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert slots(database) == ["a"]
    assert [m.version for m, _ in report.inconclusive] == [2, 3, 4]
    assert "cannot be rolled back" in report.inconclusive[0][1].message
    assert [o.migration.version for o in report.would_apply] == [5]
    assert report.failures == ()


def test_undo_drops_slot_and_makes_one(database):
    files = {
        "1_a.sql": MAKE,
        "1_a.down.sql": "SELECT pg_drop_replication_slot('a')",
        "2_b.sql": "SELECT 1",
        "2_b.down.sql": MAKE.replace("'a'", "'b'"),
    }
    migrator = pgbraid.load(files)
    migrator.up(database.conninfo)
    migrator.undo(database.conninfo, 1)
    assert (slots(database), database.versions()) == ([], [2])
    migrator.undo(database.conninfo, 2)
    assert (slots(database), database.versions()) == (["b"], [])


def test_no_replay_makes_slot_on_server_of_others(server, database):
    files = {"1_a.sql": "CREATE TABLE t ()", "2_b.sql": MAKE, "3_c.sql": "CREATE TABLE c ()"}
    with pytest.raises(ConfigError, match="2_b changes what the databases of") as caught:
        pgbraid.load(files, scratch_url=server).prove(history=[1, 3, 2])
    assert "It changes: a replication slot" in caught.value.detail
    assert slots(database) == []
