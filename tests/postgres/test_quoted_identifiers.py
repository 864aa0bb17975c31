"""For a role with quote_all_identifiers, the ledger, checks and snapshots are the same."""

import pytest

import pgbraid

FILES = {"1_a.sql": "CREATE TABLE a (i int)", "2_b.sql": "CREATE TABLE b (i int)"}


@pytest.fixture
def url(database, role):
    database.run(f"ALTER ROLE {role} SUPERUSER; ALTER ROLE {role} SET quote_all_identifiers = on")
    return database.as_role(role)


def test_checksum_of_bytes_is_recorded_as_bytes(database, url):
    database.run(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), checksum bytea)"
    )
    migrator = pgbraid.load(FILES)
    migrator.up(url)
    assert database.value("SELECT max(length(checksum)) FROM applied_migrations") == 32
    assert migrator.check(url).problems == ()


def test_another_tools_table_is_known_by_types_of_its_columns(database, url):
    database.run(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
        "INSERT INTO schema_migrations VALUES (1, false)"
    )
    assert [o.migration.version for o in pgbraid.load(FILES).up(url).applied] == [2]


def test_snapshot_is_same(database, url):
    migrator = pgbraid.load(FILES)
    migrator.up(url)
    assert str(migrator.snapshot(url)) == str(migrator.snapshot(database.conninfo))


def test_index_that_is_there_is_recognised(database, url):
    text = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS "Ab" ON a (i) WHERE i > 3;\n'
    files = FILES | {"3_i.sql": f"-- pgbraid: no-transaction\n{text}{text}"}
    assert len(pgbraid.load(files).up(url).applied) == 3
