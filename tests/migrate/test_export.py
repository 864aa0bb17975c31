"""``export`` records the applied migrations in another tool's table."""

import pytest

import pgbraid
from pgbraid import ConfigError, ProblemsFound
from pgbraid.importers.tools import tool_named

FILES = {
    "001_create_users.sql": "CREATE TABLE users (id int);",
    "002_add_email.sql": "ALTER TABLE users ADD email text;",
    "003_add_phone.sql": "ALTER TABLE users ADD phone text;",
}
TOOLS = ("golang-migrate", "goose", "dbmate", "flyway", "sqlx")


@pytest.fixture
def applied(database):
    """A migrator whose migrations are applied."""
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    return migrator


def table_of(tool):
    return tool_named(tool).tables[0]


@pytest.mark.parametrize("tool", TOOLS)
def test_exported_history_is_adopted_again(database, applied, tool):
    exported = applied.export(database.conninfo, tool)
    assert exported.versions == (1, 2, 3)
    assert exported.table == f"public.{table_of(tool)}"
    database.run("DROP TABLE applied_migrations, applied_migrations_journal")
    adoption = applied.adopt(database.conninfo)
    assert (adoption.tool, adoption.source) == (exported.tool, exported.table)
    assert [m.version for m in adoption.migrations] == [1, 2, 3]
    assert adoption.problems == ()
    if tool == "sqlx":
        assert adoption.verified == {1, 2, 3}


@pytest.mark.parametrize("tool", TOOLS)
def test_second_export_adds_only_new_versions(database, applied, tool):
    pgbraid.load(dict(list(FILES.items())[:2]))
    applied.export(database.conninfo, tool)
    more = pgbraid.load({**FILES, "004_notes.sql": "CREATE TABLE notes (id int);"})
    more.up(database.conninfo)
    assert more.export(database.conninfo, tool, dry_run=True).versions == (4,)
    assert more.export(database.conninfo, tool).versions == (4,)
    assert more.export(database.conninfo, tool).versions == ()
    rows = database.value(f"SELECT count(*) FROM {table_of(tool)}")
    assert rows == {"golang-migrate": 1, "goose": 5}.get(tool, 4)


@pytest.mark.parametrize("tool", TOOLS)
def test_dry_run_writes_nothing(database, applied, tool):
    assert applied.export(database.conninfo, tool, dry_run=True).versions == (1, 2, 3)
    assert database.value(f"SELECT to_regclass('{table_of(tool)}') IS NULL")


def test_rows_are_those_of_the_tools(database, applied):
    for tool in TOOLS:
        database.run("DROP TABLE IF EXISTS schema_migrations")
        applied.export(database.conninfo, tool)
        if tool == "golang-migrate":
            assert database.rows("SELECT * FROM schema_migrations") == [(3, False)]
        if tool == "dbmate":
            assert database.rows("SELECT * FROM schema_migrations") == [
                ("001",),
                ("002",),
                ("003",),
            ]
    assert database.rows("SELECT version_id, is_applied FROM goose_db_version ORDER BY id") == [
        *((0, True), (1, True), (2, True), (3, True))
    ]
    assert database.rows(
        "SELECT installed_rank, version, description, script, success FROM flyway_schema_history"
    )[1] == (2, "2", "add email", "V2__add_email.sql", True)
    assert database.rows("SELECT version, description, success FROM _sqlx_migrations")[2] == (
        *(3, "add phone", True),
    )


def test_counter_cannot_express_gap(database):
    pgbraid.load({k: FILES[k] for k in ("001_create_users.sql", "003_add_phone.sql")}).up(
        database.conninfo
    )
    migrator = pgbraid.load(FILES)
    with pytest.raises(ProblemsFound) as caught:
        migrator.export(database.conninfo, "golang-migrate")
    (problem,) = caught.value.problems
    assert problem.code == "not_expressible"
    assert "2 below it is not applied" in problem.message
    assert database.value("SELECT to_regclass('schema_migrations') IS NULL")
    assert migrator.export(database.conninfo, "goose").versions == (1, 3)


def test_foreign_version_that_is_not_applied_stops_export(database, applied):
    database.run(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
        "INSERT INTO schema_migrations VALUES (9, false)"
    )
    with pytest.raises(ProblemsFound, match="9"):
        applied.export(database.conninfo, "golang-migrate")
    database.run("UPDATE schema_migrations SET version = 2, dirty = true")
    with pytest.raises(ProblemsFound, match="dirty"):
        applied.export(database.conninfo, "golang-migrate")
    database.run("UPDATE schema_migrations SET dirty = false")
    assert applied.export(database.conninfo, "golang-migrate").versions == (3,)
    assert database.rows("SELECT * FROM schema_migrations") == [(3, False)]


def test_table_of_another_tool_is_not_written(database, applied):
    database.run("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    with pytest.raises(ConfigError, match="is not the table of golang-migrate"):
        applied.export(database.conninfo, "golang-migrate")


def test_changed_file_and_nothing_applied_stop_export(database):
    migrator = pgbraid.load(FILES)
    with pytest.raises(ProblemsFound, match="no migration is applied"):
        migrator.export(database.conninfo, "sqlx")
    migrator.up(database.conninfo)
    changed = pgbraid.load({**FILES, "002_add_email.sql": "SELECT 1;"})
    with pytest.raises(ProblemsFound):
        changed.export(database.conninfo, "sqlx")
    assert database.value("SELECT to_regclass('_sqlx_migrations') IS NULL")


def test_unknown_tool_and_tool_without_export_are_usage_errors(database, applied):
    with pytest.raises(ConfigError, match="no migration tool is called 'nosuch'"):
        applied.export(database.conninfo, "nosuch")
    with pytest.raises(ConfigError, match="cannot write the table of Knex"):
        applied.export(database.conninfo, "knex")


def test_golang_migrate_and_back(database):
    """From golang-migrate to pgbraid and back, with a migration applied between."""
    database.run(
        "CREATE TABLE users (id int); CREATE TABLE schema_migrations"
        " (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);"
        "INSERT INTO schema_migrations VALUES (1, false)"
    )
    migrator = pgbraid.load(FILES)
    migrator.adopt(database.conninfo)
    assert len(migrator.up(database.conninfo).applied) == 2
    assert migrator.export(database.conninfo, "golang-migrate").versions == (2, 3)
    assert database.rows("SELECT * FROM schema_migrations") == [(3, False)]


def test_ranks_of_flyway_continue_after_a_hole(database, applied):
    applied.export(database.conninfo, "flyway")
    database.run("DELETE FROM flyway_schema_history WHERE installed_rank < 3")
    assert applied.export(database.conninfo, "flyway").versions == (1, 2)
    ranks = database.rows("SELECT installed_rank FROM flyway_schema_history ORDER BY 1")
    assert ranks == [(3,), (4,), (5,)]


def test_name_of_schema_may_have_a_percent_sign(database):
    migrator = pgbraid.load(FILES, schema="a%s %b")
    migrator.up(database.conninfo)
    assert migrator.export(database.conninfo, "sqlx").versions == (1, 2, 3)
    assert database.value('SELECT count(*) FROM "a%s %b"._sqlx_migrations') == 3


def test_row_without_value_is_refused(database, applied):
    applied.export(database.conninfo, "goose")
    database.run("ALTER TABLE goose_db_version ALTER is_applied DROP NOT NULL")
    database.run("UPDATE goose_db_version SET is_applied = NULL WHERE version_id = 3")
    with pytest.raises(ProblemsFound) as caught:
        applied.export(database.conninfo, "goose")
    assert [problem.code for problem in caught.value.problems] == ["tracker_ambiguous"]


def test_versions_that_a_baseline_replaces_are_known_to_the_other_table(database, applied):
    applied.export(database.conninfo, "goose")
    squashed = pgbraid.load(
        {
            "003_baseline.sql": "-- pgbraid: replaces=1-3\nCREATE TABLE users (id int);",
            "004_notes.sql": "CREATE TABLE notes (id int);",
        }
    )
    squashed.up(database.conninfo)
    assert squashed.export(database.conninfo, "goose").versions == (4,)
