"""Other roles whose code could run in the session, and the option --role."""

from functools import partial

import psycopg
import pytest

import pgbraid
from pgbraid.model.errors import ConnectionFailed, TargetRefused
from pgbraid.postgres.client.conninfo import parse_target

TRACKER = (
    "CREATE TABLE {schema}.applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now(), checksum text)"
)
TRAP = (
    "CREATE FUNCTION {schema}.trap() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN CREATE TABLE public.trapped (); RETURN NEW; END $$;"
    "CREATE TRIGGER trap BEFORE INSERT ON {schema}.applied_migrations"
    " FOR EACH ROW EXECUTE FUNCTION {schema}.trap()"
)


@pytest.fixture
def open_schema(database, role):
    """A schema in which an unprivileged role may create objects."""
    database.run(f"CREATE SCHEMA open; GRANT CREATE, USAGE ON SCHEMA open TO {role}")
    return "open"


def as_role(database, role, query):
    with psycopg.connect(database.as_role(role), autocommit=True) as conn:
        conn.execute(query)


def test_operator_of_another_role_is_refused(database, role, open_schema):
    as_role(database, role, TRACKER.format(schema=open_schema))
    as_role(database, role, TRAP.format(schema=open_schema))
    with pytest.raises(TargetRefused, match=f"would run code of role {role}"):
        pgbraid.load({"1_a.sql": "SELECT 1"}, schema=open_schema).up(database.conninfo)
    assert database.value("SELECT to_regclass('public.trapped')") is None


def test_ledger_of_another_role_is_warned_of(database, role, open_schema):
    as_role(database, role, TRACKER.format(schema=open_schema))
    report = pgbraid.load({"1_a.sql": "SELECT 1"}, schema=open_schema).up(database.conninfo)
    assert [p.code for p in report.warnings] == ["foreign_owner"]
    assert role in report.warnings[0].message


def test_schema_in_which_others_create_is_warned_of_once(database, role, open_schema):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"}, schema=open_schema)
    report = migrator.up(database.conninfo, to=1)
    assert [p.code for p in report.warnings] == ["schema_writable"]
    assert role in report.warnings[0].message
    assert migrator.up(database.conninfo).warnings == ()


def test_our_own_roles_and_superusers_are_trusted(database, role):
    database.run(f"CREATE SCHEMA own AUTHORIZATION {role}")
    as_role(database, role, TRACKER.format(schema="own"))
    assert (
        pgbraid.load({"1_a.sql": "SELECT 1"}, schema="own").up(database.as_role(role)).warnings
        == ()
    )


@pytest.fixture
def owner(database, role):
    """A role that owns a schema, and to which the login role may switch."""
    name = f"{role} the \\ owner"
    database.run(f'CREATE ROLE "{name}"; ALTER ROLE {role} NOINHERIT; GRANT "{name}" TO {role}')
    database.run(f'CREATE SCHEMA app AUTHORIZATION "{name}"')
    yield name
    database.run(f'DROP OWNED BY "{name}" CASCADE; DROP ROLE "{name}"')


def test_login_without_rights_migrates_as_owner(database, role, owner):
    files = {
        "1_a.sql": "CREATE TABLE app.a (); RESET ROLE",
        "2_b.sql": "CREATE TABLE app.b (); SET ROLE NONE; SET SESSION AUTHORIZATION DEFAULT",
        "3_c.sql": "-- pgbraid: no-transaction\nCREATE TABLE app.c (n int);"
        "CREATE INDEX CONCURRENTLY i ON app.c (n)",
        "4_d.sql": "CREATE TABLE app.d ()" + " " * 1_100_000,
        "4_d.down.sql": "DROP TABLE app.d",
    }
    login = database.as_role(role)
    with pytest.raises(pgbraid.ServerError):
        pgbraid.load(files, schema="app").up(login)
    migrator = pgbraid.load(files, schema="app", role=owner)
    migrator.up(login)
    owners = database.rows(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class"
        " WHERE relnamespace = 'app'::regnamespace"
    )
    assert [name.strip('"') for (name,) in owners] == [owner]
    assert migrator.check(login).ok
    assert [row.state.value for row in migrator.status(login).rows] == ["applied"] * 4
    migrator.undo(login, 4)
    assert database.versions("app.applied_migrations") == [1, 2, 3]


def test_role_without_membership_fails_connection(database, role):
    with pytest.raises(ConnectionFailed, match="role"):
        pgbraid.load({"1_a.sql": "SELECT 1"}, role="postgres").up(database.as_role(role))
    target = parse_target(database.conninfo, role="no such role")
    with pytest.raises(ConnectionFailed, match="no such role"):
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(target)


EVIL = (
    "CREATE FUNCTION {schema}.{name}({parameter}) RETURNS {type} LANGUAGE plpgsql {how} AS"
    " $$ BEGIN CREATE TABLE IF NOT EXISTS public.trapped (); RETURN {value}; END $$"
)
CHECKING = EVIL.format(
    schema="{schema}", name="f", parameter="text", type="boolean", how="IMMUTABLE", value="true"
)
MAKING = EVIL.format(
    schema="{schema}", name="f", parameter="", type="timestamptz", how="", value="now()"
)


@pytest.mark.parametrize(
    "trap",
    [
        CHECKING + "; ALTER TABLE {schema}.applied_migrations ADD CHECK ({schema}.f(name))",
        CHECKING + "; CREATE INDEX ON {schema}.applied_migrations (({schema}.f(name)))",
        CHECKING + "; CREATE INDEX ON {schema}.applied_migrations (name) WHERE {schema}.f(name)",
        MAKING + "; ALTER TABLE {schema}.applied_migrations ADD x timestamptz DEFAULT {schema}.f()",
        MAKING + "; ALTER TABLE {schema}.applied_migrations ALTER applied_at SET DEFAULT"
        " {schema}.f()",
        CHECKING + "; CREATE DOMAIN {schema}.word AS text CHECK ({schema}.f(VALUE));"
        " ALTER TABLE {schema}.applied_migrations ALTER name TYPE {schema}.word",
        "ALTER TABLE {schema}.applied_migrations ADD CHECK"
        " (query_to_xml('SELECT ' || version, true, true, '') IS NOT NULL)",
    ],
)
def test_code_of_another_role_on_ledger_is_refused(database, role, open_schema, trap):
    as_role(database, role, TRACKER.format(schema=open_schema))
    as_role(database, role, trap.format(schema=open_schema))
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, schema=open_schema)
    # An ALTER TABLE that rewrites the table gives it another file, as TRUNCATE does: `up` refuses.
    verb = partial(migrator.reconcile, trust="applied_set") if "ADD x" in trap else migrator.up
    with pytest.raises((TargetRefused, pgbraid.ServerError)) as caught:
        verb(database.conninfo)
    expected = f"{caught.value.message} {caught.value.detail}"
    assert f"would run code of role {role}" in expected or "another role's type" in expected
    assert database.value("SELECT to_regclass('public.trapped')") is None


def test_additional_column_of_another_role_is_allowed(database, role, open_schema):
    as_role(database, role, TRACKER.format(schema=open_schema))
    as_role(database, role, "ALTER TABLE open.applied_migrations ADD note text DEFAULT 'x'")
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, schema=open_schema)
    assert [p.code for p in migrator.up(database.conninfo).warnings] == ["foreign_owner"]


def test_warning_is_printed_where_run_fails(database, role, open_schema, cli, folder):
    folder.write(_1_a="SELECT 1 / 0")
    answer = cli("up", "--schema", open_schema, code=3)
    assert f"WARNING:  {role} may create tables in the schema open" in answer.err
    answer = cli("up", "--schema", open_schema, "--json", code=3)
    assert answer.json["warnings"] == []  # the run that created the tables reported it
