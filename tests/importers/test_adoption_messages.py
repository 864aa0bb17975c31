"""What `adopt` says if it cannot adopt a history, or not as a whole: the hint is the next step."""

import pytest

import pgbraid
from pgbraid import ConfigError, ProblemsFound
from pgbraid.migrate.convert import convert_files
from pgbraid.migrate.foreign_files import named_tool
from tests.importers.test_trackers import FIXTURES, restore

FLYWAY = FIXTURES / "flyway"


@pytest.fixture
def flyway(database, tmp_path):
    """The converted folder of a database that Flyway has migrated."""
    restore(database, FLYWAY / "complete" / "dump.sql")
    folder = tmp_path / "migrations"
    convert_files(named_tool("flyway"), FLYWAY / "migrations", folder)
    return folder


def problem_of(command, *arguments, **options):
    with pytest.raises(ProblemsFound) as caught:
        command(*arguments, **options)
    return caught.value.problems[-1]


def test_file_edited_after_its_conversion_is_not_verified(database, flyway):
    with (flyway / "3_order_total.sql").open("a") as file:
        file.write("CREATE TABLE more (i int);\n")
    adoption = pgbraid.load(flyway).adopt(database.conninfo)
    assert adoption.verified == {1, 2, 4, 5}
    (problem,) = adoption.problems
    assert (problem.code, problem.versions) == ("tracker_checksum", (3,))
    assert "was edited after its conversion" in problem.message
    checksums = dict(database.rows("SELECT version, checksum FROM applied_migrations"))
    assert [version for version, checksum in checksums.items() if checksum is None] == [3]


def test_tracker_that_role_may_not_read_is_named_with_grant(database, role, flyway):
    database.run(f"GRANT CREATE ON SCHEMA public TO {role}")
    problem = problem_of(pgbraid.load(flyway).adopt, database.as_role(role))
    assert "public.flyway_schema_history" in problem.message
    assert "which this role may not read" in problem.message
    assert "`GRANT SELECT`, then record them" in problem.hint


def test_all_tools_of_several_trackers_are_offered(database, flyway):
    restore(database, FIXTURES / "alembic" / "complete" / "dump.sql")
    (flyway / "pgbraid.origin.json").unlink()
    problem = problem_of(pgbraid.load(flyway).adopt, database.conninfo)
    assert "`pgbraid adopt --from alembic` or `pgbraid adopt --from flyway`" in problem.hint


def test_tool_of_converted_files_goes_before_other_trackers(database, flyway):
    restore(database, FIXTURES / "alembic" / "complete" / "dump.sql")
    assert pgbraid.load(flyway).adopt(database.conninfo).tool == "Flyway"


def test_folder_that_was_converted_from_another_tool_is_named(database, flyway):
    database.run("DROP TABLE flyway_schema_history")
    restore(database, FIXTURES / "dbmate" / "complete" / "dump.sql")
    problem = problem_of(pgbraid.load(flyway).adopt, database.conninfo)
    assert "these migrations were converted from flyway" in problem.message
    assert problem.hint.startswith("Name the folder with the files of dbmate or Rails with `dir`")


def test_tracker_in_another_schema_is_found_by_the_name_of_its_tool(database, flyway):
    database.run("CREATE SCHEMA app; ALTER TABLE flyway_schema_history SET SCHEMA app")
    migrator = pgbraid.load(flyway)
    with pytest.raises(ConfigError) as caught:
        migrator.adopt(database.conninfo)
    assert "`pgbraid adopt --from TOOL` looks in all schemas" in caught.value.hint
    assert migrator.adopt(database.conninfo, "flyway").source == "app.flyway_schema_history"


def test_missing_file_of_converted_folder_is_restored_or_converted(database, flyway):
    (flyway / "4_index_orders.sql").unlink()
    problem = problem_of(pgbraid.load(flyway).adopt, database.conninfo)
    assert problem.code == "tracker_version_without_file"
    assert problem.hint.startswith("Restore the files, or convert the folder of Flyway again")


def test_folder_of_tool_is_to_be_converted_first(database):
    restore(database, FLYWAY / "complete" / "dump.sql")
    problem = problem_of(pgbraid.load(FLYWAY / "migrations").adopt, database.conninfo)
    assert problem.hint.startswith(
        "Convert the folder of Flyway with `pgbraid convert --from flyway`, name the new one"
    )


def test_folder_of_tool_whose_files_run_is_to_be_named(database):
    restore(database, FIXTURES / "goose" / "complete" / "dump.sql")
    problem = problem_of(pgbraid.load({"7_x.sql": "SELECT 1"}).adopt, database.conninfo)
    assert problem.hint.startswith("Name the folder of goose with `dir`")


def test_files_of_tool_without_sql_are_to_be_written(database):
    restore(database, FIXTURES / "knex" / "complete" / "dump.sql")
    problem = problem_of(pgbraid.load({"7_x.sql": "SELECT 1"}).adopt, database.conninfo)
    assert problem.hint.startswith("Write a file NNN_name.sql for each version")


def test_files_of_tool_without_sql_are_not_converted(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert_files(named_tool("knex"), FIXTURES / "knex" / "migrations", tmp_path / "new")
    assert caught.value.hint.startswith("Write a file NNN_name.sql for each version")


def test_destination_in_folder_that_is_read_is_refused(tmp_path):
    (tmp_path / "V1__a.sql").write_text("SELECT 1;\n")
    with pytest.raises(ConfigError, match="is in the folder"):
        convert_files(named_tool("flyway"), tmp_path, tmp_path / "new")


def test_destination_in_project_of_tool_that_prints_its_migrations_is_allowed(tmp_path):
    """The tool fails here, because it is not installed; the destination is not the reason."""
    with pytest.raises(ConfigError, match="Django did not print its migrations"):
        convert_files(named_tool("django"), tmp_path, tmp_path / "migrations")


def test_tool_that_fails_to_print_its_migrations_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "alembic").mkdir()
    (tmp_path / "alembic" / "__init__.py").write_text("raise RuntimeError('no environment')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigError, match="RuntimeError: no environment") as caught:
        convert_files(named_tool("alembic"), tmp_path, tmp_path / "new")
    assert "Name the folder, and set the variables" in caught.value.hint


def test_tracker_that_its_tool_used_after_adoption_is_not_dropped(database, flyway):
    migrator = pgbraid.load(flyway)
    migrator.adopt(database.conninfo)
    database.run(
        "INSERT INTO flyway_schema_history SELECT 6, '6', 'add phone', type, 'V6__add_phone.sql',"
        " 1, installed_by, installed_on, 1, true FROM flyway_schema_history LIMIT 1"
    )
    problem = problem_of(migrator.drop_tracker_table, database.conninfo)
    assert "has version 6, but no file" in problem.message
    assert "`pgbraid baseline --only VERSION`, then run `pgbraid adopt --drop" in problem.hint
    assert problem.hint.startswith("Stop using the other tool.")
    (flyway / "6_add_phone.sql").write_text("SELECT 1;\n")
    migrator = pgbraid.load(flyway)
    migrator.baseline(database.conninfo, only=[6])
    assert migrator.drop_tracker_table(database.conninfo) == "public.flyway_schema_history"
