"""After an adoption `up`, `check`, `drift` and `prove` work at once."""

import pytest

import pgbraid
from pgbraid import ConfigError
from pgbraid.migrate.convert import convert_files
from pgbraid.sql.parser import parse
from tests.importers.test_trackers import FIXTURES, restore, tool_of

CONVERTIBLE = sorted(
    folder
    for folder in FIXTURES.iterdir()
    if (folder / "complete").is_dir() and tool_of(folder).files and folder.name != "rails"
)


def drifted(migrator, database):
    report = migrator.drift(database.conninfo)
    return report.differences, report.not_compared


@pytest.mark.parametrize("folder", CONVERTIBLE, ids=lambda folder: folder.name)
def test_database_of_tool_is_taken_over(database, folder, tmp_path, server):
    tool = tool_of(folder)
    target = tmp_path / "new"
    convert_files(tool, folder / "migrations", target)
    for path in sorted(target.glob("*.sql")):
        if not path.name.endswith(".down.sql"):
            script = parse(path.read_text())
            for statement in script.statements:
                database.run(script.text[statement.start : statement.end])
    restore(database, folder / "complete" / "dump.sql")
    (target / "99990101000000_add_phone.sql").write_text("CREATE TABLE phones (id int);\n")
    migrator = pgbraid.load(target, scratch_url=server)
    assert migrator.adopt(database.conninfo).tool == tool.tool
    assert [m.migration.version for m in migrator.up(database.conninfo).applied] == [99990101000000]
    assert migrator.check(database.conninfo).ok
    assert drifted(migrator, database) == ((), ())
    assert migrator.drop_tracker_table(database.conninfo)
    assert drifted(migrator, database) == ((), ())


def test_schema_of_tool_stays_if_it_has_another_object(database):
    restore(database, FIXTURES / "drizzle" / "complete" / "dump.sql")
    database.run("CREATE TABLE drizzle.mine (i int)")
    migrator = pgbraid.load(FIXTURES / "drizzle" / "migrations")
    migrator.adopt(database.conninfo)
    assert migrator.drop_tracker_table(database.conninfo) == "drizzle.__drizzle_migrations"
    assert database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'drizzle'") == [
        ("mine",)
    ]


@pytest.fixture
def pgroll(database, server):
    """A database that pgroll has migrated: its tracker, its triggers, and a schema of views."""
    restore(database, FIXTURES / "pgroll" / "behind" / "dump.sql")
    database.run(
        "CREATE FUNCTION pgroll.raw_migration() RETURNS event_trigger LANGUAGE plpgsql AS $$"
        " BEGIN PERFORM 1 FROM pgroll.migrations; END $$;"
        "CREATE EVENT TRIGGER pg_roll_handle_drop ON sql_drop"
        " EXECUTE FUNCTION pgroll.raw_migration();"
        "CREATE TABLE t (i int); CREATE SCHEMA public_04_index_orders;"
        "CREATE VIEW public_04_index_orders.t AS SELECT i FROM t"
    )
    names = [name for (name,) in database.rows("SELECT name FROM pgroll.migrations ORDER BY 1")]
    files = dict.fromkeys((f"{name}.sql" for name in names), "SELECT 1")
    files[f"{names[0]}.sql"] = "CREATE TABLE t (i int)"
    return pgbraid.load(files, scratch_url=server)


def test_objects_of_pgroll_are_no_drift(database, pgroll):
    pgroll.adopt(database.conninfo)
    assert drifted(pgroll, database) == ((), ())


def test_tracker_that_event_triggers_use_is_not_dropped(database, pgroll):
    pgroll.adopt(database.conninfo)
    with pytest.raises(ConfigError, match="other objects of pgroll use it") as caught:
        pgroll.drop_tracker_table(database.conninfo)
    assert "DROP SCHEMA pgroll CASCADE" in caught.value.hint
    assert database.value("SELECT count(*) FROM pgroll.migrations") == 4
