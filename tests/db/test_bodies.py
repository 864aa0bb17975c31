"""What a migration's text may do to its session, and what must not come of it."""

import time
import uuid

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid.migrate import runner
from pgbraid.migrate.execution import batch
from pgbraid.migrate.execution.transactional import RunContext, apply_in_transaction
from pgbraid.model.errors import MigrationFailed
from pgbraid.model.migration import LedgerTable, Migration
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect, prepare_for_migration
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.ledger.record import record_applied
from pgbraid.postgres.ledger.tables import ensure_tables
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.sql.parser import parse
from pgbraid.sql.stream import ScriptPart

# Each body, and a query that gives true in a session that has nothing of it.
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
    """Every way in which migrations go to the server."""
    if request.param != "fresh":
        database.run("CREATE TABLE before ()")
    if request.param == "batch":
        for module in (runner, batch):
            monkeypatch.setattr(module, "largest_batch", lambda _: 64)
    if request.param == "one by one":
        monkeypatch.setattr(RunContext, "can_use_one_message", False)
    return request.param


@pytest.mark.parametrize(("body", "probe"), BODIES.values(), ids=BODIES.keys())
def test_a_body_neither_breaks_its_row_nor_leaks_nor_loses_the_lock(
    database, role, way, body, probe
):
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
    braid = pgbraid.load(files)
    braid.up(database.conninfo)
    assert database.rows("SELECT * FROM answer") == [(True,)]
    assert database.rows("SELECT version, name FROM applied_migrations ORDER BY 1")[0] == (1, "é")
    assert database.events() == [("applied", 1), ("applied", 2), ("applied", 3)]


def _last(probe):
    return probe.rpartition(";")[2].replace("%%", "%")


def test_a_long_lock_wait_of_the_next_migration_is_not_cut_by_a_setting_before(database):
    pgbraid.load(
        {"1_a.sql": "SET statement_timeout = '50ms'", "2_b.sql": "SELECT pg_sleep(0.2)"}
    ).up(database.conninfo)
    assert database.versions() == [1, 2]


def test_a_read_only_transaction_cannot_be_recorded_so_it_fails_whole(database):
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": "SET transaction_read_only = on"}).up(database.conninfo)
    assert caught.value.sqlstate == "25006"
    assert database.events() == [("failed", 1)]


ENDINGS = [
    "CREATE TABLE public.half (); COMMIT; CREATE TABLE public.rest ()",
    "CREATE TABLE public.half (); COMMIT; BEGIN; CREATE TABLE public.rest ()",
    "CREATE TABLE public.half (); COMMIT AND CHAIN; CREATE TABLE public.rest ()",
    "CREATE TABLE public.half (); ROLLBACK; CREATE TABLE public.rest ()",
    "CREATE TABLE public.half (); ROLLBACK; BEGIN; SELECT 1",
    "CREATE TABLE public.half (); ROLLBACK AND CHAIN; CREATE TABLE public.rest ()",
    "CREATE TABLE public.half (); END; BEGIN",
]


@pytest.mark.parametrize("text", ENDINGS)
def test_a_body_that_ends_its_transaction_is_never_recorded(database, text):
    """The second line of defence: the first one refuses such a text before it runs."""
    migration = Migration(1, "a", "1_a.sql", "", 0, "1_a.sql", "1")
    with connect(parse_target(database.conninfo), LedgerTable(), StopToken()) as session:
        prepare_for_migration(session)
        acquire_session_lock(session, wait=0)
        run = RunContext(session, ensure_tables(session))

        def record():
            entry = journal.JournalEntry(run.run_id, "applied", 1, "a")
            return record_applied(
                session, migration, shape=run.ledger_traits, name="a", entry=entry
            )

        with pytest.raises(MigrationFailed, match="ended its transaction"):
            apply_in_transaction(
                run, migration, [ScriptPart(parse(text))], still_needed=lambda: True, record=record
            )
    assert database.versions() == []
    assert database.events() == []


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("text", ENDINGS)
def test_nor_is_it_where_it_goes_as_one_message(database, monkeypatch, text, batch):
    monkeypatch.setattr("pgbraid.source.content.check_script", lambda *_: ())
    files = {"1_a.sql": "SELECT 1", "2_b.sql": text, "3_c.sql": "CREATE TABLE c ()"}
    with pytest.raises(MigrationFailed, match="ended its transaction"):
        pgbraid.load(files).up(database.conninfo, batch=batch)
    assert database.versions() == [1]
    assert database.value("SELECT to_regclass('c') IS NULL")


WRAPPED = [
    "BEGIN;\nCREATE TABLE w ();\nCOMMIT;\n",
    "-- head\nSTART TRANSACTION;\nCREATE TABLE w ();\nEND",
    "begin transaction isolation level read committed;create table w();commit work;",
]


@pytest.mark.parametrize("text", WRAPPED)
def test_a_file_in_one_begin_commit_runs_as_if_unwrapped(database, text):
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text, "2_b.sql": "SELECT 1/0"}).up(database.conninfo)
    assert database.versions() == [1]
    assert database.value("SELECT to_regclass('w') IS NOT NULL")
    assert (
        database.value("SELECT statement FROM applied_migrations_journal WHERE version = 1") == text
    )


def test_a_wrapped_file_that_fails_leaves_nothing(database):
    text = "BEGIN;\nCREATE TABLE w ();\nSELECT 1/0;\nCOMMIT;\n"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert caught.value.diagnostic.location.line == 3
    assert database.value("SELECT to_regclass('w') IS NULL")


DUMP = """\\restrict 4Xx
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.t (id int, note text);
COPY public.t (id, note) FROM stdin;
1\tit's; -- é
2\t\\N
3\ta\\tb
\\.

COPY public.t FROM stdin WITH (FORMAT csv);
4,"x;
y"
\\.
CREATE INDEX ON public.t (id);
\\unrestrict 4Xx
"""


@pytest.mark.parametrize("text", [DUMP, DUMP.replace("\n", "\r\n"), "\ufeff" + DUMP])
def test_a_dump_with_inline_data_is_a_migration(database, text):
    pgbraid.load({"1_dump.sql": text}).up(database.conninfo)
    newline = "\r\n" if "\r\n" in text else "\n"
    assert database.rows("SELECT * FROM t ORDER BY id") == [
        (1, "it's; -- é"),
        (2, None),
        (3, "a\tb"),
        (4, f"x;{newline}y"),
    ]
    assert database.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == 1


def test_bad_inline_data_fail_the_migration_at_the_copy(database):
    text = "CREATE TABLE t (id int);\nCOPY t FROM stdin;\n1\nx\n\\.\n"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    said = caught.value.diagnostic
    assert (said.sqlstate, str(said.location)) == ("22P02", "1_a.sql:2:1")
    assert 'COPY t, line 2, column id: "x"' in said.context
    assert database.value("SELECT to_regclass('t') IS NULL")


def test_empty_migrations_are_recorded(database):
    pgbraid.load({"1_a.sql": "--", "2_b.sql": "-- nothing\n", "3_c.sql": ";;"}).up(
        database.conninfo
    )
    assert database.versions() == [1, 2, 3]


def test_percent_signs_and_colons_reach_the_server_as_they_stand(database):
    pgbraid.load({"1_a.sql": "CREATE TABLE t AS SELECT '%s %(x)s {y} :z' AS c"}).up(
        database.conninfo
    )
    assert database.value("SELECT c FROM t") == "%s %(x)s {y} :z"


def test_a_deferred_trigger_runs_with_what_its_migration_set(database):
    text = """
        CREATE SCHEMA app; SET search_path = app;
        CREATE TABLE t (id int); CREATE TABLE heard (id int);
        CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN INSERT INTO heard VALUES (NEW.id); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER later AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION hear();
        INSERT INTO t VALUES (7)
    """
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert database.rows("SELECT id FROM app.heard") == [(7,)]


def test_what_a_deferred_constraint_finds_is_the_migrations_error(database):
    text = "CREATE TABLE p (id int PRIMARY KEY);\n"
    text += "CREATE TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text + "INSERT INTO c VALUES (1)"}).up(database.conninfo)
    assert caught.value.sqlstate == "23503"
    assert database.versions() == []


def test_the_constraints_mode_of_a_body_ends_with_it(database):
    tables = "CREATE TABLE p (id int PRIMARY KEY);"
    tables += "CREATE TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
    files = {
        "1_a.sql": tables + "SET CONSTRAINTS ALL IMMEDIATE",
        "2_b.sql": "INSERT INTO c VALUES (1); INSERT INTO p VALUES (1)",
    }
    pgbraid.load(files).up(database.conninfo)
    assert database.versions() == [1, 2]


def test_a_trigger_that_swallows_the_row_stops_the_migration(database):
    """A tracker row that the server did not write is no success, whatever it says."""
    pgbraid.load({"1_a.sql": "--"}).up(database.conninfo)
    database.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER no BEFORE INSERT ON applied_migrations FOR EACH ROW"
        " EXECUTE FUNCTION no()"
    )
    files = {"1_a.sql": "--", "2_b.sql": "CREATE TABLE b ()"}
    with pytest.raises(pgbraid.PgbraidError, match="row"):
        pgbraid.load(files).up(database.conninfo)
    assert database.value("SELECT to_regclass('b')") is None
    assert database.versions() == [1]


def test_notices_are_heard(database):
    heard = []
    pgbraid.load({"1_a.sql": "DO $$ BEGIN RAISE WARNING 'look'; END $$"}).up(
        database.conninfo, on_event=heard.append
    )
    said = [e.diagnostic for e in heard if type(e).__name__ == "ServerNotice"]
    assert [(d.severity, d.message) for d in said] == [("WARNING", "look")]


def test_a_body_without_static_refusal_is_what_the_server_accepts(database):
    """Of what only the catalog tells that no transaction holds it, the server's word is told."""
    database.run("CREATE TABLE p (n int) PARTITION BY LIST (n); CREATE INDEX ON p (n)")
    if database.value("SELECT current_setting('server_version_num')::int") < 140000:
        pytest.skip("REINDEX of a partitioned table came with PostgreSQL 14")
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": "REINDEX TABLE p"}).up(database.conninfo)
    assert caught.value.sqlstate == "25001"
    assert "-- pgbraid: no-transaction" in caught.value.hint
    pgbraid.load({"1_a.sql": "-- pgbraid: no-transaction\nREINDEX TABLE p"}).up(database.conninfo)
    assert database.versions() == [1]


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2; SELECT 3", "SELECT generate_series(1, 3)"])
def test_results_of_queries_are_passed_over(database, text):
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert database.versions() == [1]


def test_the_driver_finds_no_lock_of_a_closed_run(database):
    pgbraid.load({"1_a.sql": "SELECT pg_advisory_lock(5)"}).up(database.conninfo)
    with psycopg.connect(database.conninfo) as conn:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        query += " (SELECT oid FROM pg_database WHERE datname = current_database())"
        conn.autocommit = True
        for _ in range(100):  # the server ends a closed session in its own time
            if conn.execute(query).fetchone() == (0,):
                break
            time.sleep(0.05)
        assert conn.execute(query).fetchone() == (0,)


def test_a_commit_that_the_server_refuses_leaves_nothing_half_done(database):
    text = "CREATE TABLE a (); DO $$ BEGIN COMMIT; END $$"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert (caught.value.sqlstate, caught.value.incomplete) == ("2D000", False)
    assert database.value("SELECT to_regclass('a')") is None


def test_text_behind_a_change_of_how_it_is_read_is_not_sent(database):
    """The body's first message sets it; COPY's data are a second one, in another encoding."""
    text = (
        "CREATE TABLE e (a text);\nSELECT set_config('client_encoding', 'LATIN1', false);\n"
        "COPY e FROM stdin;\né\n\\.\n"
    )
    with pytest.raises(MigrationFailed, match="set client_encoding to LATIN1"):
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert database.value("SELECT to_regclass('e')") is None
    pgbraid.load({"1_a.sql": text.replace("LATIN1", "SQL_ASCII")}).up(database.conninfo)
    assert database.rows("SELECT a FROM e") == [("é",)]


def test_a_comment_that_the_database_cannot_hold_is_left_out_of_the_journal(server):
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


def test_the_way_out_of_a_transaction_is_told_only_where_it_is_one(database):
    text = "DO $$ BEGIN SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; END $$"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert caught.value.sqlstate == "25001"
    assert "no-transaction" not in (caught.value.diagnostic.hint or "")
