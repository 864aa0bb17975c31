"""Session effects of a migration end with it; its row and the lock survive."""

import time
import uuid

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid.migrate import runner
from pgbraid.migrate.execution import batch
from pgbraid.migrate.execution.transactional import RunContext
from pgbraid.model.errors import MigrationFailed
from pgbraid.model.migration import LedgerTable

# Each body, and a query that is true in a session without its effect.
BODIES = {
    "search path": (
        "SET search_path = nowhere",
        "SELECT current_setting('search_path') LIKE '%%public%%'",
    ),
    "empty search path": (
        "SELECT pg_catalog.set_config('search_path', '', false)",
        "SELECT current_setting('search_path') LIKE '%%public%%'",
    ),
    "role": ("SET ROLE {role}", "SELECT current_user <> '{role}'"),
    "session authorization": (
        "SET SESSION AUTHORIZATION {role}",
        "SELECT session_user <> '{role}'",
    ),
    "settings": (
        "SET work_mem = '123kB'; SET my.own = 'x'; SET LOCAL statement_timeout = '1ms'",
        "SELECT current_setting('work_mem') <> '123kB' AND"
        " coalesce(current_setting('my.own', true), '') = ''",
    ),
    "encoding": (
        "SELECT set_config('client_encoding', 'LATIN1', false)",
        "SELECT current_setting('client_encoding') = 'UTF8'",
    ),
    "encoding without a conversion": (
        "SELECT set_config('client_encoding', 'SQL_ASCII', false)",
        "SELECT current_setting('client_encoding') = 'UTF8'",
    ),
    "encoding that cannot hold the name": (
        "SELECT set_config('client_encoding', 'EUC_TW', false)",
        "SELECT current_setting('client_encoding') = 'UTF8'",
    ),
    "strings": (
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "SELECT current_setting('standard_conforming_strings') = 'on'",
    ),
    "styles": ("SET datestyle = 'German'; SET intervalstyle = 'sql_standard'", "SELECT true"),
    "temporary table": (
        "CREATE TEMP TABLE here (id int); CREATE TEMP TABLE applied_migrations (x int)",
        "SELECT to_regclass('pg_temp.here') IS NULL",
    ),
    "prepared statement": (
        "PREPARE mine AS SELECT 1",
        "SELECT count(*) = 0 FROM pg_prepared_statements",
    ),
    "cursor": (
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "SELECT count(*) = 0 FROM pg_cursors WHERE name = 'c'",
    ),
    "listen": ("LISTEN channel", "SELECT count(*) = 0 FROM pg_listening_channels()"),
    "sequence cache": (
        "CREATE SEQUENCE s; SELECT nextval('s')",
        "DO $$ BEGIN PERFORM lastval(); RAISE EXCEPTION 'leaked';"
        " EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$; SELECT true",
    ),
    "row security": (
        "SET row_security = off",
        "SELECT current_setting('row_security') = 'on'",
    ),
    "advisory lock": (
        "SELECT pg_advisory_lock(5), pg_advisory_lock_shared(6)",
        "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND objid IN (5, 6)",
    ),
    "advisory unlock": ("SELECT pg_advisory_unlock_all()", "SELECT true"),
    "reset all": ("RESET ALL", "SELECT true"),
    "isolation of the session": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
        "SELECT current_setting('transaction_isolation') = 'read committed'",
    ),
    "savepoints": ("SAVEPOINT a; SELECT 1; ROLLBACK TO a; RELEASE a", "SELECT true"),
    "operators of its own": (
        "CREATE FUNCTION public.always(bigint, bigint) RETURNS bool LANGUAGE sql AS 'SELECT true';"
        "CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.always);"
        "SET search_path = public, pg_catalog",
        "SELECT true",
    ),
}


@pytest.fixture(params=["fresh", "used", "batch", "one by one"])
def way(request, database, monkeypatch):
    """Every way in which pgbraid sends migrations."""
    if request.param != "fresh":
        database.run("CREATE TABLE before ()")
    if request.param == "batch":
        for module in (runner, batch):
            monkeypatch.setattr(module, "largest_batch", lambda _: 64)
    if request.param == "one by one":
        monkeypatch.setattr(RunContext, "can_use_one_message", False)
    return request.param


@pytest.mark.parametrize(("body", "probe"), BODIES.values(), ids=BODIES.keys())
def test_migration_keeps_its_row_and_lock_and_leaks_no_setting(database, role, way, body, probe):
    key = LedgerTable().lock_key
    still_locked = (
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND"
        f" pid = pg_backend_pid() AND (classid::bigint << 32) | objid::bigint = {key})"
        " THEN RAISE EXCEPTION 'lock lost'; END IF; END $$;"
    )
    names = {"role": role}
    files = {
        "1_é.sql": body.replace("{role}", role),
        "2_probe.sql": f"{still_locked} {probe.format(**names).replace('%%', '%')}",
        "3_answer.sql": f"CREATE TABLE answer AS {_last(probe.format(**names))}",
    }
    migrator = pgbraid.load(files)
    migrator.up(database.conninfo)
    assert database.rows("SELECT * FROM answer") == [(True,)]
    assert database.rows("SELECT version, name FROM applied_migrations ORDER BY 1")[0] == (1, "é")
    assert database.events() == [("applied", 1), ("applied", 2), ("applied", 3)]


def _last(probe):
    return probe.rpartition(";")[2].replace("%%", "%")


def test_long_lock_wait_of_next_migration_is_not_cut_by_setting_before(database):
    pgbraid.load(
        {"1_a.sql": "SET statement_timeout = '50ms'", "2_b.sql": "SELECT pg_sleep(0.2)"}
    ).up(database.conninfo)
    assert database.versions() == [1, 2]


def test_read_only_transaction_cannot_be_recorded_so_it_fails_whole(database):
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": "SET transaction_read_only = on"}).up(database.conninfo)
    assert caught.value.sqlstate == "25006"
    assert database.events() == [("failed", 1)]


def test_empty_migrations_are_recorded(database):
    files = {"1_a.sql": "--", "2_b.sql": "-- nothing\n", "3_c.sql": ";;", "4_d.sql": "SELECT 4"}
    pgbraid.load(files).up(database.conninfo)
    assert database.versions() == [1, 2, 3, 4]


def test_percent_signs_and_colons_reach_server_as_they_stand(database):
    pgbraid.load({"1_a.sql": "CREATE TABLE t AS SELECT '%s %(x)s {y} :z' AS c"}).up(
        database.conninfo
    )
    assert database.value("SELECT c FROM t") == "%s %(x)s {y} :z"


def test_trigger_that_swallows_row_stops_migration(database):
    """A ledger row that the server did not write is an error."""
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    database.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER no BEFORE INSERT ON applied_migrations FOR EACH ROW"
        " EXECUTE FUNCTION no()"
    )
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "CREATE TABLE b ()"}
    with pytest.raises(pgbraid.PgbraidError, match="row"):
        pgbraid.load(files).up(database.conninfo)
    assert database.value("SELECT to_regclass('b')") is None
    assert database.versions() == [1]


def test_notices_are_reported(database):
    emitted = []
    pgbraid.load({"1_a.sql": "DO $$ BEGIN RAISE WARNING 'look'; END $$"}).up(
        database.conninfo, on_event=emitted.append
    )
    expected = [e.diagnostic for e in emitted if type(e).__name__ == "ServerNotice"]
    assert [(d.severity, d.message) for d in expected] == [("WARNING", "look")]


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2; SELECT 3", "SELECT generate_series(1, 3)"])
def test_results_of_queries_are_skipped(database, text):
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert database.versions() == [1]


def test_driver_finds_no_lock_of_closed_run(database):
    pgbraid.load({"1_a.sql": "SELECT pg_advisory_lock(5)"}).up(database.conninfo)
    with psycopg.connect(database.conninfo) as conn:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        query += " (SELECT oid FROM pg_database WHERE datname = current_database())"
        conn.autocommit = True
        for _ in range(100):  # the server may end a closed session later
            if conn.execute(query).fetchone() == (0,):
                break
            time.sleep(0.05)
        assert conn.execute(query).fetchone() == (0,)


def test_comment_that_database_cannot_hold_is_left_out_of_journal(server):
    name = f"pgbraid_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        target = make_conninfo(server, dbname=name)
        files = {"1_a.sql": "-- “é”\nCREATE TABLE a ()", "2_é.sql": "-- é\nSELECT 'é'"}
        assert len(pgbraid.load(files).up(target).applied) == 2
        with psycopg.connect(target) as conn:
            rows = conn.execute(
                "SELECT statement, detail ->> 'statement' FROM applied_migrations_journal"
                " WHERE event = 'applied' ORDER BY id"
            ).fetchall()
        assert rows == [(None, "left out, not all of it is in LATIN1"), (files["2_é.sql"], None)]
        assert pgbraid.load(files).check(target).ok
    finally:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
