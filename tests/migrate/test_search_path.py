"""The setting ``search_path``: the schema of unqualified names."""

import pytest

import pgbraid
from pgbraid.model.proof import Verdict

PLAIN = {"1_a.sql": "CREATE TABLE acct (i int)", "2_b.sql": "INSERT INTO acct VALUES (1)"}
GATE = "-- pgbraid: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (i);\n"


def where(database, name):
    query = (
        "SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relname = %s ORDER BY 1"
    )
    return [schema for (schema,) in database.rows(query, name)]


def test_two_fleets_of_one_folder_have_tables_of_their_own(database):
    for schema in ("a1", "a2"):
        migrator = pgbraid.load(PLAIN, schema=schema, ledgers="many", search_path=schema)
        assert len(migrator.up(database.conninfo).applied) == 2
    assert where(database, "acct") == ["a1", "a2"]
    assert database.rows("SELECT * FROM a1.acct UNION ALL SELECT * FROM a2.acct") == [(1,), (1,)]


@pytest.mark.parametrize(
    "path", ["app, public", '"app", public', 'app,"$user",public', "nowhere, app"]
)
def test_path_is_read_as_postgresql_reads_it(database, path):
    database.run("CREATE SCHEMA app")
    pgbraid.load(PLAIN, search_path=path).up(database.conninfo)
    assert where(database, "acct") == ["app"]
    assert where(database, "applied_migrations") == ["public"]


def test_path_holds_for_every_kind_of_migration(database, folder):
    """Also for a file outside a transaction, after a SET, in a dry run and in a down file."""
    database.run("CREATE SCHEMA app; CREATE TABLE public.t (i int)")
    folder.write(_1_t="CREATE TABLE t (i int)", _2_i=GATE, _3_s="SET search_path = public")
    folder.put("4_u.up.sql", "CREATE TABLE u (i int)").put("4_u.down.sql", "DROP TABLE u")
    migrator = folder.load(search_path="app, public")
    tried = migrator.up(database.conninfo, dry_run=True)
    assert where(database, "t") == ["public"]
    assert tried.warnings[-1].code != "failed"
    migrator.up(database.conninfo)
    assert where(database, "t") == ["app", "public"]
    assert where(database, "i") == ["app"]
    assert where(database, "u") == ["app"]
    migrator.undo(database.conninfo, 4)
    assert where(database, "u") == []


def test_path_goes_before_that_of_role_and_of_database(database):
    database.run(
        "CREATE SCHEMA app; CREATE SCHEMA other; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I"
        " SET search_path = other', current_database()); END $$"
    )
    pgbraid.load(PLAIN, search_path="app").up(database.conninfo)
    assert where(database, "acct") == ["app"]


def test_path_of_settings_file_and_of_command_line(folder, cli, database, tmp_path):
    database.run("CREATE SCHEMA app; CREATE SCHEMA other")
    folder.write(_1_a="CREATE TABLE a (i int)")
    (tmp_path / "pgbraid.toml").write_text('search_path = "app, public"\n')
    cli("up", code=0)
    folder.write(_2_b="CREATE TABLE b (i int)")
    cli("up", "--search-path", "other", code=0)
    assert where(database, "a") == ["app"]
    assert where(database, "b") == ["other"]


def test_path_holds_where_history_is_replayed(folder, database, programs, monkeypatch):
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    folder.write(_1_s="CREATE SCHEMA app", _2_t="CREATE TABLE t (i int)")
    folder.write(_4_v="CREATE VIEW v AS SELECT * FROM app.t")
    migrator = folder.load(settings=False, search_path="app, public")
    migrator.up(database.conninfo)
    assert migrator.drift(database.conninfo, ignore="schema public").differences == ()
    assert "table app.t" in migrator.snapshot().catalogs["pg_class"].rows
    folder.write(_3_k="ALTER TABLE t ADD k int")
    migrator = folder.load(settings=False, search_path="app, public", gaps="prove")
    assert migrator.prove(database.conninfo).verdict is Verdict.DIFFERENT
    with pytest.raises(pgbraid.NotProven):
        migrator.up(database.conninfo)


@pytest.mark.parametrize("wrong", ["", " ", 3, ["app"]])
def test_path_that_is_none_is_error(wrong):
    with pytest.raises(pgbraid.ConfigError, match=r"^search_path (must|is empty)"):
        pgbraid.load(PLAIN, search_path=wrong)


def test_path_that_server_cannot_read_is_error_before_anything_runs(database):
    with pytest.raises(pgbraid.ServerError, match='invalid value for parameter "search_path"'):
        pgbraid.load(PLAIN, search_path="a b").up(database.conninfo)
    assert database.versions() == []
    assert where(database, "acct") == []
