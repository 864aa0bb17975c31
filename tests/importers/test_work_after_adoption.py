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
    database.as_made()
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
    database.as_made()
    pgroll.adopt(database.conninfo)
    assert drifted(pgroll, database) == ((), ())


def test_tracker_that_event_triggers_use_is_not_dropped(database, pgroll):
    pgroll.adopt(database.conninfo)
    with pytest.raises(ConfigError, match="other objects of pgroll use it") as caught:
        pgroll.drop_tracker_table(database.conninfo)
    assert "DROP SCHEMA pgroll CASCADE" in caught.value.hint
    assert database.value("SELECT count(*) FROM pgroll.migrations") == 4


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


GOLANG = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
DBMATE = "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
THREE = {"1_a.sql": "SELECT 1;", "2_b.sql": "SELECT 2;", "3_c.sql": "SELECT 3;"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"{GOLANG} INSERT INTO schema_migrations VALUES (1, false)",
            "UPDATE schema_migrations SET version = 2",
        ),
        (
            f"{DBMATE} INSERT INTO schema_migrations VALUES ('1')",
            "INSERT INTO schema_migrations VALUES ('2')",
        ),
    ],
    ids=["golang-migrate", "dbmate"],
)
def test_tool_that_is_used_after_its_adoption_stops_up(database, before, after):
    migrator = pgbraid.load(THREE)
    database.run(before)
    migrator.adopt(database.conninfo)
    database.run(after)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        migrator.up(database.conninfo)
    (problem,) = caught.value.problems
    assert (problem.code, problem.versions) == ("tracker_used_since", (2,))
    assert "tracker_used_since" in {p.code for p in migrator.check(database.conninfo).problems}
    migrator.baseline(database.conninfo, only=[2])
    assert [r.migration.version for r in migrator.up(database.conninfo).applied] == [3]


def test_gap_below_an_adopted_counter_runs(database):
    database.run(f"{GOLANG} INSERT INTO schema_migrations VALUES (3, false)")
    pgbraid.load({k: THREE[k] for k in ("1_a.sql", "3_c.sql")}).adopt(database.conninfo)
    applied = pgbraid.load(THREE).up(database.conninfo).applied
    assert [result.migration.version for result in applied] == [2]


def test_versions_that_the_user_took_back_run_again(database):
    database.run(f"{DBMATE} INSERT INTO schema_migrations VALUES ('1'), ('2'), ('3')")
    migrator = pgbraid.load(THREE)
    migrator.adopt(database.conninfo, not_applied=[3])
    migrator.unadopt(database.conninfo, [2])
    applied = migrator.up(database.conninfo).applied
    assert [result.migration.version for result in applied] == [2, 3]
