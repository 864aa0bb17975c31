"""The tables of the ledger: columns, names, privileges, and other relations with their names."""

import hashlib

import psycopg
import pytest

import pgbraid
from pgbraid.model.errors import (
    ServerError,
)
from tests.fixtures.folders import GAP_FILE, THREE, versions_and_gaps


def test_ledger_has_documented_columns(database):
    pgbraid.load(THREE).up(database.conninfo)
    columns = database.rows(
        "SELECT column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_name = 'applied_migrations'"
        " ORDER BY ordinal_position"
    )
    assert columns == [
        ("version", "bigint", "NO", None),
        ("name", "text", "NO", None),
        ("applied_at", "timestamp with time zone", "NO", "now()"),
        ("checksum", "text", "YES", None),
    ]
    assert (
        database.value(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND conkey = '{1}'"
            " AND conrelid = 'applied_migrations'::regclass"
        )
        == 1
    )
    migrator = pgbraid.load(THREE)
    assert database.rows("SELECT version, name, checksum FROM applied_migrations ORDER BY 1") == [
        (m.version, m.name, m.checksum) for m in migrator.migrations.migrations
    ]


def test_journal_records_events_in_order(database):
    pgbraid.load(THREE).up(database.conninfo)
    report = pgbraid.load(THREE | GAP_FILE).up(database.conninfo)
    rows = database.rows(
        "SELECT event, version, name, statement, run_id::text, role_name, application, checksum,"
        " duration > '0', happened_at > now() - interval '1 minute', detail"
        " FROM applied_migrations_journal ORDER BY id"
    )
    assert rows.pop(0)[:4] == ("created", None, None, None)
    assert [row[:4] for row in rows] == [
        ("applied", int(name[:3]), name[4:-4], text) for name, text in (THREE | GAP_FILE).items()
    ]
    last = rows[-1]
    (gap,) = report.applied
    assert last[4] == report.run_id
    assert last[5:] == (
        "postgres",
        f"pgbraid/{pgbraid.__version__}",
        gap.migration.checksum,
        True,
        True,
        {"gap": True},
    )
    assert len({row[4] for row in rows}) == 2


def test_text_above_megabyte_is_left_out_of_journal(database):
    text = "SELECT 1; -- " + "x" * 1_000_000
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    digest = hashlib.sha256(text.encode()).hexdigest()
    query = "SELECT statement, detail FROM applied_migrations_journal WHERE version = 1"
    assert database.rows(query) == [
        (None, {"statement": "left out, above 1 MB", "sha256_lf": digest})
    ]


@pytest.mark.parametrize(
    ("schema", "table"),
    [("app", "versions"), ('we"ird; DROP', "T'able %s {x}"), ("Groß", "größe"), ("a.b", "c.d")],
)
def test_schema_and_table_may_have_any_name(database, schema, table):
    migrator = pgbraid.load(THREE, schema=schema, table=table)
    migrator.up(database.conninfo)
    assert migrator.check(database.conninfo).ok
    assert database.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema = %s ORDER BY 2",
        schema,
    ) == [(schema, table), (schema, f"{table}_journal")]


def test_schema_exists_before_lock_is_requested(database):
    key = pgbraid.load(THREE, schema="app", lock_wait=0)
    with psycopg.connect(database.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (key.ledger.lock_key,))
        with pytest.raises(pgbraid.LockTimeout):
            key.up(database.conninfo)
    assert database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'app'") == 1
    assert database.value("SELECT to_regclass('app.applied_migrations')") is None


def test_existing_tables_are_found_without_ddl(database, role):
    """A role without CREATE can apply migrations if the tables exist."""
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    for table in ("applied_migrations", "applied_migrations_journal"):
        database.run(f"GRANT SELECT, INSERT ON {table} TO {role}")
    database.run(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}")
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"})
    assert versions_and_gaps(migrator.up(database.as_role(role))) == [(2, False)]


def test_role_without_rights_gets_error_of_server(database, role):
    database.run(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}")
    with pytest.raises(ServerError) as caught:
        pgbraid.load(THREE).up(database.as_role(role))
    assert caught.value.sqlstate == "42501"
    assert "rights" in caught.value.hint


def test_table_of_ledger_name_with_other_columns_is_refused(database):
    database.run("CREATE TABLE applied_migrations (version int, title text)")
    migrator = pgbraid.load(THREE)
    for call in (migrator.up, lambda conninfo: migrator.unadopt(conninfo, [1])):
        with pytest.raises(ServerError, match="applied_migrations is not an applied set") as caught:
            call(database.conninfo)
        assert "version, name, applied_at, checksum" in caught.value.detail


def test_view_in_place_of_ledger_is_refused(database):
    """The functions of the view would run with the privileges of the deploying role."""
    database.run(
        "CREATE TABLE seen (); CREATE FUNCTION trap() RETURNS bigint LANGUAGE plpgsql AS"
        " 'BEGIN ALTER TABLE seen ADD COLUMN x int; RETURN 1; END';"
        "CREATE VIEW applied_migrations AS SELECT trap() AS version, 'a'::text AS name,"
        " now() AS applied_at, NULL::text AS checksum"
    )
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"})
    for call in (migrator.up, migrator.check, migrator.plan, migrator.status):
        with pytest.raises(pgbraid.PgbraidError, match="applied_migrations is not an applied set"):
            call(database.conninfo)
    assert (
        database.value(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'seen'::regclass AND attnum > 0"
        )
        == 0
    )


def test_rows_that_row_security_hides_are_error_not_gap(database, role):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"})
    migrator.up(database.conninfo)
    database.run(
        f"GRANT ALL ON applied_migrations, applied_migrations_journal TO {role};"
        "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY"
    )
    with pytest.raises(ServerError, match="row-level security"):
        migrator.up(database.as_role(role))


def test_documented_rights_are_enough(database, role):
    files = {"1_a.sql": "SELECT 1"}
    pgbraid.load(files).up(database.conninfo)
    database.run(f"GRANT SELECT ON applied_migrations TO {role}")
    reader = database.as_role(role)
    assert pgbraid.load(files).check(reader).ok
    (problem,) = pgbraid.load({"1_a.sql": "SELECT 2"}).check(reader).problems
    assert problem.code == "modified"
    database.run(
        f"GRANT INSERT, UPDATE, DELETE ON applied_migrations TO {role};"
        f"GRANT SELECT, INSERT ON applied_migrations_journal TO {role}"
    )
    migrator = pgbraid.load(files | {"2_b.sql": "SELECT 2", "2_b.down.sql": "SELECT 3"})
    assert len(migrator.up(reader).applied) == 1
    assert migrator.undo(reader, 2)
