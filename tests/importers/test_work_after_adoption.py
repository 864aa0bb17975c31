"""After an adoption `up`, `check`, `drift` and `prove` work at once."""

import pytest

import pgbraid
from pgbraid.migrate.convert import convert_files
from pgbraid.sql.parser import parse
from tests.importers.test_trackers import FIXTURES, restore, tool_of

CONVERTIBLE = sorted(
    folder
    for folder in FIXTURES.iterdir()
    if (folder / "complete").is_dir() and tool_of(folder).files and folder.name != "rails"
)


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
    report = migrator.drift(database.conninfo)
    assert (report.differences, report.not_compared) == ((), ())
    assert migrator.drop_tracker_table(database.conninfo)


def test_repair_records_checksums_of_adopted_versions(database):
    files = {"1_a.sql": "SELECT 1;", "2_b.sql": "SELECT 2;", "3_c.sql": "SELECT 3;"}
    database.run(
        "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
        "INSERT INTO schema_migrations VALUES ('1'), ('2'), ('3')"
    )
    migrator = pgbraid.load(files)
    migrator.adopt(database.conninfo)
    database.run("UPDATE applied_migrations SET name = 'other' WHERE version = 3")
    repair = migrator.repair(database.conninfo, all_modified=True)
    assert [change.migration.version for change in repair.repaired] == [1, 2]
    assert [file.version for file in repair.renamed] == [3]
    recorded = database.rows("SELECT version, checksum FROM applied_migrations ORDER BY 1")
    digests = [m.checksum for m in migrator.migrations.migrations]
    assert recorded == [(1, digests[0]), (2, digests[1]), (3, None)]


def test_tracker_is_the_only_problem_of_first_plan(database):
    database.run(
        "CREATE TABLE t (i int); CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
        "INSERT INTO schema_migrations VALUES ('1')"
    )
    plan = pgbraid.load({"1_a.sql": "SELECT 1;"}).plan(database.conninfo)
    assert [problem.code for problem in plan.problems] == ["tracker_found"]


def test_pending_file_that_cannot_run_does_not_stop_adoption(database):
    files = {"1_a.sql": "SELECT 1;", "2_b.sql": "CREATE INDEX CONCURRENTLY i ON t (i); SELECT 1;"}
    database.run(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
        "INSERT INTO schema_migrations VALUES (1, false)"
    )
    adoption = pgbraid.load(files).adopt(database.conninfo)
    assert [m.version for m in adoption.migrations] == [1]
    (problem,) = adoption.problems
    assert (problem.code, problem.severity, problem.location.line) == (
        *("needs_no_transaction", "warning", 1),
    )
