"""Drift and snapshots of realistic databases: shown and masked parts."""

import re

import pytest

import pgbraid
from pgbraid.prove.comparison.snapshot_text import format_snapshot

VERSIONS = "CREATE TABLE public.schema_migrations (version varchar NOT NULL PRIMARY KEY);"


@pytest.fixture
def deployed(folder, database, programs, monkeypatch):
    """Apply one file, and return a function that reports the drift since."""
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)

    def deploy(text):
        folder.write(_001_structure=text)
        migrator = folder.load(settings=False)
        migrator.up(database.conninfo)

        def drift():
            drifted = migrator.drift(database.conninfo, ignore="schema public")
            return [d.name for d in drifted.differences], drifted.not_compared

        return drift

    return deploy


def test_own_table_named_schema_migrations_is_compared(deployed, cli, database):
    drift = deployed(f"{VERSIONS} CREATE TABLE t (i int);")
    assert drift() == ([], ())
    assert "[table public.schema_migrations]" in cli("snapshot", code=0).out
    database.run("ALTER TABLE schema_migrations ADD by_hand int")
    assert drift()[0] == ["column public.schema_migrations.by_hand"]
    database.run("DROP TABLE schema_migrations")
    assert drift()[0] == ["table public.schema_migrations"]


@pytest.mark.parametrize("rows", ["", "INSERT INTO schema_migrations VALUES (1, false);"])
def test_table_of_another_tool_is_left_out_on_both_sides(deployed, cli, database, rows):
    """The table of golang-migrate is recognised by its columns, with and without an adoption."""
    database.run(f"CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool); {rows}")
    drift = deployed(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY, dirty bool);"
        if not rows
        else "SELECT 1;"
    )
    assert drift() == ([], ())
    assert "schema_migrations" not in cli("snapshot", code=0).out


@pytest.mark.parametrize(
    "setting",
    [
        "datestyle = 'SQL, DMY'",
        "datestyle = 'German'",
        "datestyle = 'Postgres, MDY'",
        "datestyle = 'ISO, YMD'",
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "array_nulls = off",
    ],
)
def test_setting_of_database_changes_no_answer(folder, deployed, cli, database, setting):
    quoted = setting.replace("'", "''")
    database.run(
        f"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {quoted}', current_database()); END $$"
    )
    drift = deployed(
        "CREATE TABLE t (i int, at timestamptz DEFAULT '2026-02-01 03:04:05+00',"
        " path text DEFAULT E'a\\\\b');"
    )
    drifted, left_out = drift()
    assert (drifted, left_out) == (["database"], ())  # its setting was changed by hand
    folder.write(_003_c="CREATE TABLE c (i int, at timestamptz DEFAULT '2026-02-01');")
    migrator = folder.load(settings=False)
    migrator.up(database.conninfo)
    folder.write(_002_b="INSERT INTO t VALUES (1);")
    migrator = folder.load(settings=False)
    assert migrator.prove(database.conninfo).verdict is pgbraid.Verdict.SAME
    migrator.up(database.conninfo)
    assert [m.version for m in migrator.prove(database.conninfo).recorded_order] == [1, 3, 2]
    for words in ("status", "check", "snapshot", "prove", "plan"):
        cli(words, code=0)


def test_time_of_replay_in_definition_is_no_drift(deployed, database):
    drift = deployed(
        "CREATE TABLE t (a int, at timestamp);"
        "CREATE VIEW v AS SELECT a, 'now'::timestamp AS at FROM t WHERE a > 1;"
    )
    drifted, left_out = drift()
    assert drifted == []
    assert 'rule "_RETURN" on public.v: a part of its definition' in left_out[0]
    database.run("CREATE OR REPLACE VIEW v AS SELECT a, 'now'::timestamp AS at FROM t WHERE a > 2")
    assert drift()[0] == ['rule "_RETURN" on public.v']


def text(database):
    """Return the snapshot of a database as text."""
    return format_snapshot(pgbraid.load({}, settings=False).snapshot(database.conninfo))


MASKED = {
    "view": (
        "CREATE VIEW v AS SELECT 1 AS one FROM t WHERE {}",
        "CREATE OR REPLACE VIEW v AS SELECT 1 AS one FROM t WHERE {}",
    ),
    "function": (
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM t WHERE {} $$",
        "CREATE OR REPLACE FUNCTION f() RETURNS bigint LANGUAGE sql"
        " AS $$ SELECT count(*) FROM t WHERE {} $$",
    ),
    "policy": ("CREATE POLICY p ON t USING ({})", "ALTER POLICY p ON t USING ({})"),
    "check": (
        "ALTER TABLE t ADD CONSTRAINT c CHECK ({})",
        "ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t ADD CONSTRAINT c CHECK ({})",
    ),
    "index": ("CREATE INDEX i ON t (a) WHERE {}", "DROP INDEX i; CREATE INDEX i ON t (a) WHERE {}"),
}


@pytest.mark.parametrize("column", ["token", "password", "secret", "api_key"])
@pytest.mark.parametrize("kind", MASKED)
def test_condition_on_column_named_as_secret_is_shown(database, kind, column):
    database.run(f"CREATE TABLE t (a int, {column} text, owner_{column} text)")
    made, changed = MASKED[kind]
    database.run(made.format(f"{column} = owner_{column}"))
    shown = rf"{column} = (t\.)?{{}}{column}\b"  # a view before PostgreSQL 16 names the table
    assert re.search(shown.format("owner_"), before := text(database))
    database.run(changed.format(f"{column} = {column}"))
    after = text(database)
    assert after != before
    assert re.search(shown.format(""), after)


LOST = {
    "rights of the owner": ("CREATE TABLE t (a int)", "REVOKE ALL ON t FROM CURRENT_USER"),
    "one right of the owner": (
        "CREATE TABLE t (a int)",
        "DO $$ BEGIN EXECUTE format('REVOKE %s ON t FROM CURRENT_USER', CASE WHEN"
        " current_setting('server_version_num')::int < 170000 THEN 'TRIGGER' ELSE 'MAINTAIN' END);"
        " END $$",
    ),
    "rows of a materialized view": (
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS one",
        "REFRESH MATERIALIZED VIEW m WITH NO DATA",
    ),
    "a column of its own beside an inherited one": (
        "CREATE TABLE p (a int); CREATE TABLE t () INHERITS (p)",
        "DROP TABLE t; CREATE TABLE t (a int) INHERITS (p)",
    ),
    "the owner of a language": ("SELECT 1", "ALTER LANGUAGE plpgsql OWNER TO pg_monitor"),
    "default privileges": (
        "CREATE SCHEMA s",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE ALL ON TABLES FROM CURRENT_USER;"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO {role}",
    ),
}


@pytest.mark.parametrize("kind", LOST)
def test_change_is_in_text_of_snapshot(database, kind, role):
    first, change = LOST[kind]
    database.run(first)
    before = text(database)
    assert text(database) == before
    database.run(change.replace("{role}", role))
    assert text(database) != before


def test_options_of_dictionary_are_compared_in_any_order(database):
    database.run("CREATE TEXT SEARCH DICTIONARY d (template = simple, accept = true)")
    database.run("ALTER TEXT SEARCH DICTIONARY d (stopwords = english)")
    before = text(database)
    database.run("DROP TEXT SEARCH DICTIONARY d")
    database.run("CREATE TEXT SEARCH DICTIONARY d (template = simple, stopwords = english)")
    database.run("ALTER TEXT SEARCH DICTIONARY d (accept = true)")
    assert text(database) == before
    database.run("ALTER TEXT SEARCH DICTIONARY d (accept = false)")
    assert text(database) != before


def test_secret_setting_of_database_is_shown_as_its_digest(deployed, database, cli):
    setting = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {}', current_database()); END $$"
    database.run(setting.format("app.jwt_secret = ''Sup3rS3cret''"))
    database.run(setting.format("app.mode = ''fast''"))
    drifted, _ = deployed("CREATE TABLE t (i int);")()
    assert drifted == ["database"]
    shown = cli("drift").out
    assert "app.mode=fast" in shown
    assert "app.jwt_secret=" in shown
    assert "Sup3rS3cret" not in shown
