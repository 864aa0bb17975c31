"""Situations that could mislead a run that sends a migration as one message."""

from itertools import pairwise

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid.model.errors import MigrationFailed, ServerError
from pgbraid.model.events import Finished, Interrupted
from pgbraid.postgres.client import connection

RULES = (
    "CREATE TABLE t (a int UNIQUE);"
    "CREATE RULE r1 AS ON INSERT TO t DO ALSO SELECT 1;"
    "CREATE RULE r2 AS ON INSERT TO t DO ALSO SELECT 2;"
)


@pytest.fixture(params=["fresh", "used", "batch"])
def up(request, database):
    """Run ``up`` in every way; returns the report."""
    if request.param != "fresh":
        database.run("CREATE SCHEMA app; CREATE TABLE app.before ()")
    batch = request.param == "batch"
    return lambda files, **more: pgbraid.load(files).up(database.conninfo, batch=batch, **more)


def test_migration_that_writes_its_own_row_is_error_and_not_skipped(database, up):
    row = "INSERT INTO public.applied_migrations (version, name) VALUES (1, 'a')"
    with pytest.raises(MigrationFailed, match=r"writes to public\.applied_migrations"):
        up({"1_a.sql": f"CREATE TABLE a (); {row}", "2_b.sql": "SELECT 1"})
    assert database.versions() == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO public.applied_migrations (version, name) VALUES (3, 'c')",
        "UPDATE public.applied_migrations SET version = version + 100",
        "DELETE FROM public.applied_migrations",
        "TRUNCATE public.applied_migrations",
        "TRUNCATE public.applied_migrations; SELECT 1",
        "SAVEPOINT a; DELETE FROM public.applied_migrations; RELEASE a",
        "SET ROLE NONE; RESET ALL; DELETE FROM public.applied_migrations",
    ],
)
def test_migration_that_writes_applied_set_is_refused(database, up, statement):
    up({"1_a.sql": "SELECT 1"})
    files = {"1_a.sql": "SELECT 1", "2_b.sql": f"CREATE TABLE b (); {statement}", "3_c.sql": "x"}
    with pytest.raises(MigrationFailed, match=r"2_b failed: the migration writes to"):
        up(files)
    assert database.versions() == [1]
    assert database.value("SELECT to_regclass('b')") is None


def test_trigger_that_changes_version_is_error(database, up):
    trap = (
        "CREATE FUNCTION public.shift() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.version := NEW.version + 1000; RETURN NEW; END $$;"
        "CREATE TRIGGER shift BEFORE INSERT ON public.applied_migrations"
        " FOR EACH ROW EXECUTE FUNCTION public.shift()"
    )
    with pytest.raises(ServerError, match="did not accept a row"):
        up({"1_a.sql": "SELECT 1", "2_b.sql": trap, "3_c.sql": "SELECT 3"})
    assert database.versions() == [1]


def test_journal_whose_sequence_is_behind_gets_lines_above_those_it_has(database, up):
    up({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"})
    database.run(
        "SELECT setval(pg_get_serial_sequence('applied_migrations_journal', 'id'), 1, false)"
    )
    up({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2", "3_c.sql": "CREATE TABLE c ()"})
    assert database.events() == [("applied", 1), ("applied", 2), ("applied", 3)]


def test_row_that_trigger_of_same_run_swallows_is_error(database, up):
    files = {
        "1_a.sql": "CREATE FUNCTION sw() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL;"
        " END $$; CREATE TRIGGER sw BEFORE INSERT ON public.applied_migrations FOR EACH ROW"
        " EXECUTE FUNCTION sw()",
        "2_b.sql": "CREATE TABLE b ()",
    }
    with pytest.raises(ServerError, match="did not accept a row"):
        up(files)
    assert database.versions() == []
    assert database.value("SELECT to_regclass('b') IS NULL")


@pytest.mark.parametrize(
    ("sets", "then"),
    [
        ("SET session_replication_role = replica", "INSERT INTO c VALUES (42)"),
        (
            "UPDATE pg_settings SET setting = 'replica' WHERE name = 'session_replication_role'",
            "INSERT INTO c VALUES (42)",
        ),
        ("CREATE TEMP TABLE tt ()", "SELECT FROM tt"),
        ("SET check_function_bodies = off", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'x'"),
        ("INSERT INTO s DEFAULT VALUES", "SELECT currval('s_id_seq')"),
        (
            "CREATE TABLE z AS SELECT \"set_config\"('session_replication_role', 'replica', false)",
            "INSERT INTO c VALUES (42)",
        ),
    ],
)
def test_settings_of_migration_do_not_reach_next_one(database, up, sets, then):
    tables = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (pid int REFERENCES p);"
    tables += "CREATE TABLE s (id serial);"
    with pytest.raises(MigrationFailed) as caught:
        up({"1_a.sql": f"{tables} {sets}", "2_b.sql": then, "3_c.sql": "CREATE TABLE d ()"})
    assert caught.value.migration.version == 2
    assert database.versions() == [1]


def test_results_that_rule_adds_shift_nothing(database, up):
    report = up(
        {
            "1_a.sql": RULES,
            "2_b.sql": "INSERT INTO t VALUES (1)",
            "3_c.sql": "CREATE TABLE c ()",
            "4_d.sql": "".join(f"INSERT INTO t VALUES ({n});" for n in range(10, 40)),
        }
    )
    assert [o.migration.version for o in report.applied] == database.versions() == [1, 2, 3, 4]


@pytest.mark.parametrize("count", [5, 12, 30])
@pytest.mark.parametrize("wrong", ["INSERT INTO t VALUES (1)", "SELECT 1/0"])
def test_rule_results_hide_no_error(database, up, count, wrong):
    text = RULES + "".join(f"INSERT INTO t VALUES ({n});" for n in range(count)) + wrong
    with pytest.raises(MigrationFailed) as caught:
        up({"1_a.sql": text, "2_b.sql": "SELECT 1"})
    assert caught.value.sqlstate in {"23505", "22012"}
    assert database.versions() == []
    assert database.events() == [("failed", 1)]


def test_dollar_quote_in_dollar_quote_of_another_case_is_no_end(database, up):
    up(
        {
            "1_f.sql": "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $DO$ BEGIN EXECUTE"
            " $do$ CREATE TABLE x (); INSERT INTO x DEFAULT VALUES $do$; END $DO$;",
            "2_b.sql": "SELECT f()",
            "3_c.sql": "SELECT $A$ x $a$ y $A$",
        }
    )
    assert database.value("SELECT count(*) FROM x") == 1


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        ("LANGUAGE sql AS $$\n\n\n  SELECT nosuch FROM x\n$$", 5, 10),
        ("LANGUAGE plpgsql AS $$\n\nBEGIN\n  RETURN 1 +;\nEND $$", 5, 13),
        ("LANGUAGE sql AS '\n SELECT nosuch FROM x'", 3, 9),
    ],
)
def test_error_inside_routine_names_its_place(up, body, line, column):
    text = f"SELECT 1;\nCREATE FUNCTION f() RETURNS int {body};\nSELECT 2;"
    with pytest.raises(MigrationFailed) as caught:
        up({"1_a.sql": "CREATE TABLE x (a int)", "2_f.sql": text})
    location = caught.value.diagnostic.location
    assert (location.line, location.column) == (line, column)


def test_journal_has_text_of_routine_as_it_was_written(database, up):
    text = "-- é 'so' \\x\nCREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT '→' $$;"
    up({"1_f.sql": text})
    query = "SELECT statement FROM applied_migrations_journal WHERE version = 1"
    assert database.value(query) == text


def test_duration_of_each_migration_is_its_own(database, up):
    files = {f"{n}_s.sql": f"CREATE TABLE s{n} AS SELECT FROM pg_sleep(0.2)" for n in range(1, 5)}
    report = up(files)
    assert all(0.2 <= o.duration.total_seconds() < 0.4 for o in report.applied)
    spans = database.rows("SELECT applied_at FROM applied_migrations ORDER BY version")
    assert all((b - a).total_seconds() > 0.1 for (a,), (b,) in pairwise(spans))


def test_event_handler_that_raises_loses_nothing(database):
    emitted = []

    def record_event(event):
        emitted.append(event)
        if isinstance(event, Finished) and event.index == 1:
            raise KeyboardInterrupt

    files = {f"{n}_t.sql": f"CREATE TABLE t{n} ()" for n in range(1, 6)}
    with pytest.raises(KeyboardInterrupt):
        pgbraid.load(files).up(database.conninfo, on_event=record_event)
    reported = [e.result.migration.version for e in emitted if isinstance(e, Finished)]
    assert reported == database.versions()


def test_interrupt_in_batch_names_running_migration(database):
    emitted = []

    class Stopping(BaseException):
        pass

    real = connection.Connection.wait

    def record_event(event):
        emitted.append(event)

    def wait(conn, gen, *args, **kwargs):
        if any(getattr(e, "index", 0) == 4 for e in emitted):
            connection.Connection.wait = real
            with psycopg.connect(database.conninfo, autocommit=True) as other:
                while not other.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                ).fetchone()[0]:
                    pass
            conn.cancel_safe()
            real(conn, gen, *args, **kwargs)
            raise KeyboardInterrupt
        return real(conn, gen, *args, **kwargs)

    files = {f"{n}_t.sql": f"CREATE TABLE t{n} ()" for n in (1, 2, 4)}
    files["3_t.sql"] = "CREATE TABLE t3 AS SELECT FROM pg_sleep(30)"
    connection.Connection.wait = wait
    try:
        with pytest.raises(KeyboardInterrupt):
            pgbraid.load(files).up(database.conninfo, on_event=record_event)
    finally:
        connection.Connection.wait = real
    (fate,) = [e for e in emitted if isinstance(e, Interrupted)]
    assert (fate.step.migration.version, fate.applied) == (3, False)
    reported = [e.result.migration.version for e in emitted if isinstance(e, Finished)]
    assert reported == database.versions() == [1, 2]


def test_character_that_database_lacks_is_migrations_error(server):
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("DROP DATABASE IF EXISTS pgbraid_test_latin")
        conn.execute(
            "CREATE DATABASE pgbraid_test_latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
            " TEMPLATE template0"
        )
    try:
        with pytest.raises(MigrationFailed) as caught:
            pgbraid.load({"1_a.sql": "SELECT 1;\nSELECT '€'"}).up(
                make_conninfo(server, dbname="pgbraid_test_latin")
            )
        assert caught.value.diagnostic.location.file == "1_a.sql"
    finally:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute("DROP DATABASE pgbraid_test_latin WITH (FORCE)")
