"""A ledger that another program creates and writes works unchanged."""

import hashlib

import pytest

import pgbraid
from pgbraid.model.errors import ServerError

FILES = {"101_a.up.sql": "SELECT 1", "102_b.up.sql": "SELECT 2", "103_c.up.sql": "SELECT 3"}
DIGEST = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in FILES.items()}


@pytest.mark.parametrize(
    "ddl",
    [
        "version bigint PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL"
        " DEFAULT now(), checksum text",
        "version integer UNIQUE, name varchar(200), applied_at timestamp NOT NULL, checksum"
        " varchar(64)",
        "checksum text, applied_at timestamptz, version numeric PRIMARY KEY, name text,"
        " note text DEFAULT 'x'",
    ],
)
def test_columns_of_other_types_and_orders_are_accepted(database, ddl):
    database.run(f"CREATE TABLE applied_migrations ({ddl})")
    database.run(
        "INSERT INTO applied_migrations (version, name, applied_at, checksum) VALUES"
        f" (101, 'a', now(), '{DIGEST['101_a.up.sql'].upper()}'), (103, 'c', now(), NULL)"
    )
    migrator = pgbraid.load(FILES)
    report = migrator.up(database.conninfo)
    assert [o.migration.version for o in report.applied] == [102]
    assert database.rows("SELECT name, checksum FROM applied_migrations WHERE version = 102") == [
        ("b", DIGEST["102_b.up.sql"])
    ]
    assert migrator.check(database.conninfo).ok
    assert database.events() == [("applied", 102)]


def test_checksums_as_bytea(database):
    database.run(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), checksum bytea)"
    )
    database.run(
        "INSERT INTO applied_migrations VALUES"
        f" (101, 'a', now(), '\\x{DIGEST['101_a.up.sql']}'), (102, 'b', now(), '\\x00')"
    )
    migrator = pgbraid.load(FILES)
    report = migrator.up(database.conninfo)
    assert [p.code for p in report.warnings] == ["journal_missing", "foreign_checksum"]
    assert (
        database.value("SELECT encode(checksum, 'hex') FROM applied_migrations WHERE version = 103")
        == DIGEST["103_c.up.sql"]
    )
    repaired = migrator.repair(database.conninfo, [102])
    assert [r.migration.version for r in repaired.repaired] == [102]
    assert migrator.check(database.conninfo).problems == ()


@pytest.mark.parametrize(
    ("before", "written"),
    [("a", "b"), ("101_a", "102_b"), ("101_a.up.sql", "102_b.up.sql"), (None, "b")],
)
def test_names_are_spelled_as_other_program_spells_them(database, before, written):
    database.run(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text,"
        " applied_at timestamptz, checksum text)"
    )
    name = "NULL" if before is None else f"'{before}'"
    database.run(f"INSERT INTO applied_migrations VALUES (101, {name}, now(), NULL)")
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    assert database.value("SELECT name FROM applied_migrations WHERE version = 102") == written
    assert migrator.check(database.conninfo).ok


def test_checksums_of_another_kind_are_reported_and_not_compared(database):
    pgbraid.load(FILES).up(database.conninfo)
    database.run("UPDATE applied_migrations SET checksum = md5(name)")
    report = pgbraid.load(FILES).up(database.conninfo)
    assert [(p.code, p.versions) for p in report.warnings] == [
        ("foreign_checksum", (101, 102, 103))
    ]


@pytest.mark.parametrize("version", ["'1'", "'one'", "NULL", "'2'::varchar", "'NaN'::numeric"])
def test_table_with_text_versions_is_no_ledger(database, version):
    database.run(
        "CREATE TABLE applied_migrations AS SELECT"
        f" {version} AS version, 'a'::text AS name, now() AS applied_at, NULL::text AS checksum"
    )
    with pytest.raises(ServerError, match="is not an applied set") as caught:
        pgbraid.load(FILES).up(database.conninfo)
    assert "Its column version" in caught.value.detail or "not a number" in caught.value.detail
    assert database.value("SELECT to_regclass('applied_migrations_journal')") is None


def test_times_without_zone_and_at_infinity_can_be_shown(database):
    pgbraid.load(FILES).up(database.conninfo)
    database.run(
        "UPDATE applied_migrations SET applied_at = 'infinity' WHERE version = 101;"
        "UPDATE applied_migrations SET applied_at = '10000-01-01' WHERE version = 102"
    )
    rows = pgbraid.load(FILES).status(database.conninfo).rows
    assert [row.applied_at is None for row in rows] == [True, True, False]
