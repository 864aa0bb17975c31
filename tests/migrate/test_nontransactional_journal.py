"""The journal of statements outside a transaction: no lost line makes a statement run twice."""

import contextlib

import psycopg
import pytest

import pgbraid
from pgbraid import MigrationFailed
from tests.fixtures.interruption import call_after
from tests.fixtures.nontransactional import HEAD, load


@pytest.mark.parametrize(
    ("statement", "runs"), [("INSERT INTO log VALUES (1)", 0), ("CALL p()", 1)]
)
def test_suppressed_journal_row_lets_no_statement_run_twice(big, statement, runs):
    """A statement in a transaction is rolled back; for any other statement, the user decides."""
    big.run("CREATE TABLE log (n int)")
    big.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); COMMIT; END'"
    )
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(big.conninfo)
    big.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE TRIGGER no BEFORE INSERT ON applied_migrations_journal FOR EACH ROW"
        " WHEN (new.event = 'statement_done') EXECUTE FUNCTION no()"
    )
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": f"{HEAD}{statement}; VACUUM log"})
    with pytest.raises(pgbraid.PgbraidError) as caught:
        migrator.up(big.conninfo)
    assert "did not accept a line" in caught.value.message
    with pytest.raises(pgbraid.PgbraidError) as caught:
        migrator.up(big.conninfo)
    expected = "it is unknown whether this statement was done" if runs else "did not accept a line"
    assert expected in caught.value.message
    assert len(big.rows("SELECT n FROM log")) == runs
    big.run("DROP TRIGGER no ON applied_migrations_journal")
    if runs:
        migrator.resume(big.conninfo, 2, how="skip")
    else:
        migrator.up(big.conninfo)
    assert big.rows("SELECT n FROM log") == [(1,)]
    assert big.versions() == [1, 2]


@pytest.mark.parametrize("right", ["SELECT", "INSERT"])
def test_nothing_runs_without_journal(big, role, right):
    big.run("CREATE TABLE log (n int)")
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(big.conninfo)
    big.run(
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; GRANT ALL ON SCHEMA public TO {role};"
        f"REVOKE {right} ON applied_migrations_journal FROM {role}"
    )
    text = HEAD + "INSERT INTO log VALUES (1); INSERT INTO log VALUES (2)"
    with pytest.raises(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": text, "3_c.sql": "SELECT 1"}).up(
            big.as_role(role)
        )
    assert big.rows("SELECT n FROM log") == []
    assert big.versions() == [1]


def test_locked_journal_is_waited_for(big):
    """The line `started` is written before the retries."""
    pgbraid.load({"0_z.sql": "SELECT 1"}).up(big.conninfo)
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE applied_migrations_journal IN SHARE MODE")
        with call_after(1.5, other.rollback):
            assert (
                len(
                    pgbraid.load({"0_z.sql": "SELECT 1", "1_a.sql": HEAD + "VACUUM big"})
                    .up(big.conninfo)
                    .applied
                )
                == 1
            )


@pytest.mark.parametrize("end", ["RAISE 'after that'", "NULL"])
def test_call_that_empties_journal_makes_nothing_run_twice(database, end):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN"
        " DELETE FROM applied_migrations_journal; COMMIT; INSERT INTO log VALUES (2);"
        f" {end}; END $$"
    )
    migrator = load("INSERT INTO log VALUES (1); CALL p(); INSERT INTO log VALUES (3)")
    with pytest.raises(MigrationFailed, match="were deleted"):
        migrator.up(database.conninfo)
    with contextlib.suppress(MigrationFailed):
        migrator.up(database.conninfo)
    ran = [n for (n,) in database.rows("SELECT n FROM log ORDER BY n")]
    assert ran == ([1] if end != "NULL" else [1, 2, 3])


def test_journal_in_sql_ascii_accepts_any_statement(server):
    name = "pgbraid_test_ascii"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {name}")
        conn.execute(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
            " TEMPLATE template0"
        )
    conninfo = psycopg.conninfo.make_conninfo(server, dbname=name)
    try:
        text = "CREATE TABLE t (n text); CREATE INDEX CONCURRENTLY i ON t (n) WHERE n <> 'é'"
        load(text).up(conninfo)
        assert load(text).check(conninfo).ok
    finally:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {name}")


def test_statement_that_empties_journal_is_rolled_back(database):
    database.run("CREATE TABLE b (n int)")
    text = HEAD + "INSERT INTO b VALUES (1); DELETE FROM applied_migrations_journal; VACUUM b;"
    migrator = pgbraid.load({"1_x.sql": text})
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="were deleted") as caught:
            migrator.up(database.conninfo)
        assert caught.value.completed_of_total == (1, 3)
    assert database.rows("SELECT n FROM b") == [(1,)]


def test_procedure_that_empties_journal_makes_nothing_run_again(database):
    database.run("CREATE TABLE b (n int)")
    database.run(
        "CREATE PROCEDURE prune() LANGUAGE plpgsql AS"
        " 'BEGIN TRUNCATE applied_migrations_journal; COMMIT; END'"
    )
    text = HEAD + "INSERT INTO b VALUES (1); CALL prune(); INSERT INTO b VALUES (2)"
    migrator = pgbraid.load({"1_x.sql": text})
    with pytest.raises(MigrationFailed, match="were deleted"):
        migrator.up(database.conninfo)
    migrator.up(database.conninfo)  # what was through is so again
    assert database.rows("SELECT n FROM b") == [(1,), (2,)]
