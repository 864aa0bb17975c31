"""Ledger tables that another role can change: views, casts, functions of that role."""

import contextlib

import psycopg
import pytest

import pgbraid
from pgbraid import MigrationFailed
from tests.fixtures.nontransactional import HEAD


def test_forget_runs_no_code_of_another_role(big, role):
    migrator = pgbraid.load({"1_a.sql": HEAD + "SELECT 1 / 0"})
    with pytest.raises(MigrationFailed):
        migrator.up(big.conninfo)
    big.run("CREATE TABLE ran (who text); GRANT ALL ON ran TO PUBLIC")
    big.run(
        f"GRANT ALL ON SCHEMA public TO {role};"
        f"GRANT TRIGGER ON applied_migrations_journal TO {role}"
    )
    with psycopg.connect(big.as_role(role), autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN INSERT INTO public.ran VALUES (current_user); RETURN new; END'"
        )
        conn.execute(
            "CREATE TRIGGER evil BEFORE INSERT ON applied_migrations_journal FOR EACH ROW"
            " EXECUTE FUNCTION evil()"
        )
    with pytest.raises(pgbraid.PgbraidError):
        migrator.up(big.conninfo)
    assert big.rows("SELECT * FROM ran") == []
    with contextlib.suppress(pgbraid.PgbraidError):
        migrator.resume(big.conninfo, 1, how="forget")
    assert big.rows("SELECT * FROM ran") == []


def test_view_in_journals_place_runs_nothing(database, role):
    database.run(f"CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO {role}")
    with psycopg.connect(database.as_role(role), autocommit=True) as evil:
        evil.execute(
            "CREATE TABLE open.applied_migrations (version bigint PRIMARY KEY, name text,"
            " applied_at timestamptz, checksum text);"
            "CREATE FUNCTION open.f() RETURNS bigint LANGUAGE plpgsql AS"
            " 'BEGIN CREATE TABLE public.trapped (); RETURN 1; END';"
            "CREATE VIEW open.applied_migrations_journal AS SELECT open.f() AS version,"
            " 'x'::text AS name, 'started'::text AS event, NULL::jsonb AS detail, 1 AS id"
        )
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, schema="open")
    for verb in (migrator.check, migrator.status, migrator.up):
        with pytest.raises(pgbraid.ServerError, match="is not an applied set"):
            verb(database.conninfo)
    assert database.value("SELECT to_regclass('public.trapped')") is None


def test_column_of_foreign_type_casts_nothing(database, role):
    database.run(f"CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO {role}")
    with psycopg.connect(database.as_role(role), autocommit=True) as evil:
        evil.execute(
            "CREATE TYPE open.e AS ENUM ('x');"
            "CREATE TABLE open.applied_migrations (version bigint PRIMARY KEY, name text,"
            " applied_at open.e, checksum text);"
            "INSERT INTO open.applied_migrations VALUES (1, 'a', 'x', NULL);"
            "CREATE FUNCTION open.f(open.e) RETURNS timestamptz LANGUAGE plpgsql AS"
            " 'BEGIN CREATE TABLE public.trapped (); RETURN now(); END';"
            "CREATE CAST (open.e AS timestamptz) WITH FUNCTION open.f(open.e)"
        )
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, schema="open")
    with pytest.raises(pgbraid.ServerError) as caught:
        migrator.status(database.conninfo)
    assert "another role's type" in caught.value.detail
    assert database.value("SELECT to_regclass('public.trapped')") is None


@pytest.mark.parametrize(
    "column",
    [
        "x boolean DEFAULT false",
        "x text DEFAULT CURRENT_USER",
        "x uuid DEFAULT gen_random_uuid()",
        "x timestamp DEFAULT (now() AT TIME ZONE 'utc')",
        "x text[] DEFAULT '{}'",
        "x numeric(4, 1) DEFAULT 1.5",
        "x date DEFAULT CURRENT_DATE",
        "x timestamptz(3) DEFAULT statement_timestamp()",
        "x timestamp DEFAULT LOCALTIMESTAMP",
        "x varchar(10) DEFAULT NULL",
        "x varchar(10) DEFAULT lower('A')",
        "x serial",
        "x int CHECK (x > 0)",
        "x text CHECK (length(x) < 9)",
    ],
)
def test_plain_ledger_of_application_role_is_accepted(database, role, column):
    database.run(f"CREATE SCHEMA app AUTHORIZATION {role}")
    with psycopg.connect(database.as_role(role), autocommit=True) as application:
        application.execute(
            "CREATE TABLE app.applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
            f" applied_at timestamptz NOT NULL DEFAULT now(), checksum text, {column})"
        )
    report = pgbraid.load({"1_a.sql": "SELECT 1"}, schema="app").up(database.conninfo)
    assert [problem.code for problem in report.warnings] == ["foreign_owner"]


def test_checksum_as_bytea_is_read_with_any_bytea_output(database):
    database.run(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), checksum bytea)"
    )
    name = database.value("SELECT current_database()")
    database.run(f"ALTER DATABASE {name} SET bytea_output = 'escape'")
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    problems = pgbraid.load({"1_a.sql": "SELECT 2"}).check(database.conninfo).problems
    assert [problem.code for problem in problems] == ["modified"]
