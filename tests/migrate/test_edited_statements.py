"""A file outside a transaction that was edited after some of its statements had started."""

import psycopg
import pytest

import pgbraid
from pgbraid import MigrationFailed, ProblemsFound
from pgbraid.model.events import LeftoverDropped
from tests.fixtures.nontransactional import CALLS, FOUR, HEAD, INVALID, invalid, load


def test_statement_with_unknown_end_is_not_run_again_behind_inserted_one(database):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); COMMIT;"
        " IF (SELECT count(*) FROM log) = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());"
        " END IF; END $$"
    )
    with pytest.raises(pgbraid.ConnectionFailed):
        pgbraid.load({"1_a.sql": HEAD + "CALL p()"}).up(database.conninfo)
    with pytest.raises(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": HEAD + "VACUUM log; CALL p()"}).up(database.conninfo)
    assert database.rows("SELECT * FROM log") == [(1,)]


def test_index_renamed_in_file_leaves_no_invalid_index(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    text = HEAD + "CREATE UNIQUE INDEX CONCURRENTLY {} ON big (c)"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text.format("one")}).up(big.conninfo)
    assert invalid(big) == [("one",)]
    big.run("DELETE FROM big WHERE a = 0")
    pgbraid.load({"1_a.sql": text.format("two")}).up(big.conninfo)
    assert (invalid(big), big.versions()) == ([], [1])
    assert big.value("SELECT to_regclass('one') IS NULL AND to_regclass('two') IS NOT NULL")


def test_foreign_index_is_kept_after_statement_is_renamed_to_it(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    text = "CREATE UNIQUE INDEX CONCURRENTLY {} ON big (c)"
    with (
        psycopg.connect(big.conninfo, autocommit=True) as conn,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        conn.execute(text.format("theirs"))
    oid = big.value("SELECT 'theirs'::regclass::oid")
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": HEAD + text.format("ours")}).up(big.conninfo)
    emitted = []
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": HEAD + text.format("theirs")}).up(
            big.conninfo, on_event=emitted.append
        )
    dropped_leftovers = [e.statement for e in emitted if isinstance(e, LeftoverDropped)]
    assert dropped_leftovers == ["DROP INDEX CONCURRENTLY public.ours"]
    assert big.value("SELECT to_regclass('theirs')::oid") == oid


def test_edited_call_is_not_run_again_without_decision(database):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); COMMIT;"
        " IF (SELECT count(*) FROM log) = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());"
        " END IF; END $$"
    )
    with pytest.raises(pgbraid.ConnectionFailed):
        load("CALL p()").up(database.conninfo)
    edited = load("CALL public.p()")
    with pytest.raises(MigrationFailed, match="is no longer in the file") as caught:
        edited.up(database.conninfo)
    assert "CALL p()" in caught.value.detail
    assert database.rows("SELECT * FROM log") == [(1,)]
    edited.resume(database.conninfo, 1, how="skip", statement=1)
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]
    assert database.versions() == [1]


def test_edited_completed_drop_drops_no_other_index(big, cut_before):
    big.run("CREATE SCHEMA app; CREATE TABLE app.big (a int)")
    big.run("CREATE INDEX twice ON app.big (a); CREATE INDEX twice ON public.big (a)")
    text = "SET search_path = app, public; DROP INDEX CONCURRENTLY {}twice"
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        load(text.format("")).up(big.conninfo)
    assert big.value("SELECT to_regclass('app.twice')") is None
    with pytest.raises(MigrationFailed, match="is no longer in the file; it was done"):
        load(text.format("IF EXISTS ")).up(big.conninfo)
    assert big.value("SELECT to_regclass('public.twice')") is not None


@pytest.mark.parametrize(
    ("started", "edited"),
    [
        ("REINDEX TABLE CONCURRENTLY big", "SELECT 1"),
        ("REINDEX TABLE CONCURRENTLY big", "REINDEX INDEX CONCURRENTLY there"),
        ("REINDEX INDEX CONCURRENTLY here", "SELECT 1"),
        ("CREATE INDEX CONCURRENTLY new ON big (c)", "SELECT 1"),
    ],
)
def test_leftovers_of_edited_statement_are_dropped(big, started, edited, cut_running):
    big.run("CREATE INDEX here ON big (a); CREATE INDEX there ON big (b)")
    cut_running(big, load(started), "INSERT INTO big VALUES (1)")
    assert big.rows(INVALID)
    load(edited).up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_interrupted_drop_removed_from_file_needs_decision(big, cut_running):
    big.run("CREATE INDEX here ON big (a)")
    cut_running(big, load("DROP INDEX CONCURRENTLY here"), "INSERT INTO big VALUES (1)")
    with pytest.raises(MigrationFailed, match=r"the index public\.here is invalid"):
        load("SELECT 1").up(big.conninfo)
    assert big.versions() == []


def test_changed_setting_before_completed_statement_is_refused(big):
    big.run("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE gate ()")
    text = "SET search_path = {}; CREATE TABLE t (); SELECT 1 / count(*) FROM public.gate"
    with pytest.raises(MigrationFailed):
        load(text.format("a")).up(big.conninfo)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(text.format("b")).up(big.conninfo)
    (problem,) = caught.value.problems
    assert problem.code == "incomplete_changed"
    assert "a SET that precedes it" in problem.message


def test_interrupted_index_is_found_under_other_settings(big, cut_running):
    big.run("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.x (n int); CREATE TABLE b.x (n int)")
    text = "SET search_path = {}; CREATE INDEX CONCURRENTLY one ON x (n)"
    cut_running(big, load(text.format("a")), "INSERT INTO a.x VALUES (1)")
    load(text.format("b")).up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_name_of_another_table_now_needs_decision(big, cut_running):
    big.run("CREATE SCHEMA a; CREATE TABLE public.x (n int)")
    migrator = load("SET search_path = a, public; CREATE INDEX CONCURRENTLY one ON x (n)")
    cut_running(big, migrator, "INSERT INTO public.x VALUES (1)")
    big.run("CREATE TABLE a.x (n int)")
    with pytest.raises(MigrationFailed, match="the name x refers to another table now"):
        migrator.up(big.conninfo)
    assert big.versions() == []


def test_name_of_another_index_now_is_not_dropped(big, cut_running):
    big.run("CREATE SCHEMA a; CREATE INDEX one ON big (a)")
    migrator = load("SET search_path = a, public; DROP INDEX CONCURRENTLY one")
    cut_running(big, migrator, "INSERT INTO big VALUES (1)")
    big.run("CREATE TABLE a.big (a int); CREATE INDEX one ON a.big (a)")
    with pytest.raises(MigrationFailed, match="the name one refers to another index now"):
        migrator.up(big.conninfo)
    assert big.value("SELECT to_regclass('a.one')") is not None


def test_statement_is_not_hidden_by_equal_completed_one(database):
    database.run("CREATE TABLE log (n int)")
    database.run(CALLS.format(2))
    with pytest.raises(pgbraid.ConnectionFailed):
        load("CALL p(); CALL p()").up(database.conninfo)
    with pytest.raises(MigrationFailed, match="is no longer in the file"):
        load("CALL p(); CALL public.p()").up(database.conninfo)
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]


def test_index_is_not_hidden_by_one_that_was_made_and_dropped_before(big):
    """The same statement twice: the first completed, the second leaves an invalid index."""
    index = "CREATE UNIQUE INDEX CONCURRENTLY i ON big (a)"
    text = f"{index}; DROP INDEX CONCURRENTLY i; INSERT INTO big VALUES (1, 1, 1); {{}}"
    with pytest.raises(MigrationFailed):
        load(text.format(index)).up(big.conninfo)
    assert big.rows(INVALID) == [("i",)]
    load(text.format("SELECT 1")).up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_change_of_completed_statement_is_refused_and_of_pending_one_allowed(double):
    migrator = pgbraid.load({"1_four.sql": FOUR})
    with pytest.raises(MigrationFailed):
        migrator.up(double.conninfo)
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_four.sql": FOUR.replace("big (a)", "big (b)")}).up(double.conninfo)
    assert [p.code for p in caught.value.problems] == ["incomplete_changed"]
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_four.sql": "CREATE TABLE x ()"}).up(double.conninfo)
    assert [p.code for p in caught.value.problems] == ["incomplete_changed"]
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"2_b.sql": "CREATE TABLE x ()"}).up(double.conninfo)
    assert [p.code for p in caught.value.problems] == ["incomplete_missing"]
    fixed = FOUR.replace("UNIQUE ", "")
    pgbraid.load({"1_four.sql": fixed}).up(double.conninfo)
    assert (double.versions(), invalid(double)) == ([1], [])
    assert "UNIQUE" not in double.value("SELECT pg_get_indexdef('three'::regclass)")


def test_statement_may_be_inserted_before_failed_one(double):
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_four.sql": FOUR}).up(double.conninfo)
    fixed = FOUR.replace("CREATE UNIQUE", "DELETE FROM big WHERE a = 0;\nCREATE UNIQUE")
    pgbraid.load({"1_four.sql": fixed}).up(double.conninfo)
    assert (double.versions(), invalid(double)) == ([1], [])
