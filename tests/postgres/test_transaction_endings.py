"""Texts that end their transaction, wrapped files, dumps, and deferred work."""

import pytest

import pgbraid
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
def test_text_that_ends_its_transaction_is_never_recorded(database, text):
    """The second defence: the first one refuses such a text before it runs."""
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
def test_text_that_ends_its_transaction_is_never_recorded_as_one_message(
    database, monkeypatch, text, batch
):
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
def test_file_in_one_begin_commit_runs_as_if_unwrapped(database, text):
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text, "2_b.sql": "SELECT 1/0"}).up(database.conninfo)
    assert database.versions() == [1]
    assert database.value("SELECT to_regclass('w') IS NOT NULL")
    assert (
        database.value("SELECT statement FROM applied_migrations_journal WHERE version = 1") == text
    )


def test_wrapped_file_that_fails_leaves_nothing(database):
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
def test_dump_with_inline_data_is_migration(database, text):
    pgbraid.load({"1_dump.sql": text}).up(database.conninfo)
    newline = "\r\n" if "\r\n" in text else "\n"
    assert database.rows("SELECT * FROM t ORDER BY id") == [
        (1, "it's; -- é"),
        (2, None),
        (3, "a\tb"),
        (4, f"x;{newline}y"),
    ]
    assert database.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == 1


def test_bad_inline_data_fail_migration_at_copy(database):
    text = "CREATE TABLE t (id int);\nCOPY t FROM stdin;\n1\nx\n\\.\n"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    expected = caught.value.diagnostic
    assert (expected.sqlstate, str(expected.location)) == ("22P02", "1_a.sql:2:1")
    assert 'COPY t, line 2, column id: "x"' in expected.context
    assert database.value("SELECT to_regclass('t') IS NULL")


def test_deferred_trigger_runs_with_what_its_migration_set(database):
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


def test_violation_of_deferred_constraint_is_error_of_migration(database):
    text = "CREATE TABLE p (id int PRIMARY KEY);\n"
    text += "CREATE TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text + "INSERT INTO c VALUES (1)"}).up(database.conninfo)
    assert caught.value.sqlstate == "23503"
    assert database.versions() == []


def test_constraints_mode_of_migration_ends_with_it(database):
    tables = "CREATE TABLE p (id int PRIMARY KEY);"
    tables += "CREATE TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
    files = {
        "1_a.sql": tables + "SET CONSTRAINTS ALL IMMEDIATE",
        "2_b.sql": "INSERT INTO c VALUES (1); INSERT INTO p VALUES (1)",
    }
    pgbraid.load(files).up(database.conninfo)
    assert database.versions() == [1, 2]


def test_server_decides_where_no_check_refuses_statement(database):
    """The server's error is reported where only the catalog shows a nontransactional statement."""
    database.run("CREATE TABLE p (n int) PARTITION BY LIST (n); CREATE INDEX ON p (n)")
    if database.value("SELECT current_setting('server_version_num')::int") < 140000:
        pytest.skip("REINDEX of a partitioned table came with PostgreSQL 14")
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": "REINDEX TABLE p"}).up(database.conninfo)
    assert caught.value.sqlstate == "25001"
    assert "-- pgbraid: no-transaction" in caught.value.hint
    pgbraid.load({"1_a.sql": "-- pgbraid: no-transaction\nREINDEX TABLE p"}).up(database.conninfo)
    assert database.versions() == [1]


def test_refused_commit_leaves_nothing_incomplete(database):
    text = "CREATE TABLE a (); DO $$ BEGIN COMMIT; END $$"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert (caught.value.sqlstate, caught.value.incomplete) == ("2D000", False)
    assert database.value("SELECT to_regclass('a')") is None


def test_copy_data_behind_change_of_encoding_is_not_sent(database):
    """The first message sets the encoding; the data of COPY would be sent in another one."""
    text = (
        "CREATE TABLE e (a text);\nSELECT set_config('client_encoding', 'LATIN1', false);\n"
        "COPY e FROM stdin;\né\n\\.\n"
    )
    with pytest.raises(MigrationFailed, match="changes client_encoding to LATIN1"):
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert database.value("SELECT to_regclass('e')") is None
    pgbraid.load({"1_a.sql": text.replace("LATIN1", "SQL_ASCII")}).up(database.conninfo)
    assert database.rows("SELECT a FROM e") == [("é",)]


def test_hint_of_no_transaction_is_given_only_where_it_helps(database):
    text = "DO $$ BEGIN SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; END $$"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert caught.value.sqlstate == "25001"
    assert "no-transaction" not in (caught.value.diagnostic.hint or "")
