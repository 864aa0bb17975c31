"""A first run refuses, or warns about, everything that contradicts an empty ledger."""

import pytest

import pgbraid
from pgbraid import ConfigError, ProblemsFound

FILES = {"1_a.sql": "CREATE TABLE app.a (i int)", "2_row.sql": "INSERT INTO app.a VALUES (1)"}
PLAIN = {"1_a.sql": "CREATE TABLE a (i int)", "2_b.sql": "CREATE TABLE b (i int)"}
SCHEMA = "CREATE SCHEMA app; CREATE TABLE app.a (i int)"


def codes(problems):
    return [problem.code for problem in problems]


def test_existing_tables_are_named_where_nothing_is_recorded(database):
    database.run(SCHEMA)
    migrator = pgbraid.load({"1_b.sql": "CREATE TABLE b ()"})
    (warning,) = migrator.plan(database.conninfo).warnings
    assert warning.code == "database_not_empty"
    assert "app.a" in warning.message
    assert "`pgbraid baseline VERSION`" in warning.hint
    assert codes(migrator.up(database.conninfo).warnings) == ["database_not_empty"]
    again = pgbraid.load({"1_b.sql": "CREATE TABLE b ()", "2_c.sql": "SELECT 1"})
    assert again.up(database.conninfo).warnings == ()


@pytest.mark.parametrize(
    "ddl",
    [
        "SELECT 1",
        "CREATE SCHEMA app; CREATE VIEW v AS SELECT 1",
        "CREATE EXTENSION IF NOT EXISTS plpgsql",
    ],
)
def test_database_without_tables_gets_no_warning(database, ddl):
    database.run(ddl)
    assert pgbraid.load(PLAIN).up(database.conninfo).warnings == ()


def test_inaccessible_tables_get_no_warning(database, role):
    database.run(f"{SCHEMA}; GRANT CREATE ON SCHEMA public TO {role}")
    assert pgbraid.load(PLAIN).up(database.as_role(role)).warnings == ()


def test_baseline_records_all_up_to_version_and_runs_nothing(database):
    database.run(f"{SCHEMA}; INSERT INTO app.a VALUES (1)")
    migrator = pgbraid.load({**FILES, "3_b.sql": "CREATE TABLE app.b ()"})
    baseline = migrator.baseline(database.conninfo, 2)
    assert ([m.version for m in baseline.migrations], baseline.previously_applied) == ([1, 2], 0)
    rows = database.rows("SELECT version, name, checksum FROM applied_migrations ORDER BY 1")
    assert rows == [(1, "a", None), (2, "row", None)]
    assert database.events() == [("adopted", 1), ("adopted", 2)]
    assert database.value("SELECT count(*) FROM app.a") == 1
    report = migrator.up(database.conninfo)
    assert [o.migration.version for o in report.applied] == [3]
    assert report.warnings == ()
    assert migrator.check(database.conninfo).ok
    repeated = migrator.baseline(database.conninfo, 3)
    assert (repeated.migrations, repeated.previously_applied) == ((), 3)


def test_baseline_of_single_versions_leaves_gaps(database):
    database.run(SCHEMA)
    migrator = pgbraid.load(FILES)
    assert [m.version for m in migrator.baseline(database.conninfo, only=[1]).migrations] == [1]
    assert [s.migration.version for s in migrator.plan(database.conninfo).steps] == [2]
    (row,) = migrator.unadopt(database.conninfo, [1])
    assert row.version == 1
    assert [s.migration.version for s in migrator.plan(database.conninfo).steps] == [1, 2]


def test_baseline_does_not_check_texts_of_baselined_versions(database):
    files = {"1_a.sql": "SELECT 1; CREATE INDEX CONCURRENTLY i ON a (i)", "2_b.sql": "SELECT 1"}
    migrator = pgbraid.load(files)
    assert len(migrator.baseline(database.conninfo, 1).migrations) == 1
    assert len(migrator.up(database.conninfo).applied) == 1


def test_baseline_of_version_without_file_is_refused(database):
    with pytest.raises(ConfigError, match="no migration has version 9"):
        pgbraid.load(FILES).baseline(database.conninfo, 9)
    with pytest.raises(ConfigError, match="no migration has version 9"):
        pgbraid.load(FILES).baseline(database.conninfo, only=[1, 9])
    assert database.value("SELECT to_regclass('applied_migrations')") is None


def test_baseline_leaves_another_tools_history_to_adopt(database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (1, false)"
    )
    with pytest.raises(ConfigError) as caught:
        pgbraid.load(PLAIN).baseline(database.conninfo, 1)
    assert "`pgbraid adopt`" in caught.value.hint


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE schema_migrations (id varchar PRIMARY KEY);"
        "INSERT INTO schema_migrations VALUES ('001')",
        "CREATE TABLE goose_db_version (version text, at timestamp);"
        "INSERT INTO goose_db_version VALUES (1, now())",
    ],
)
def test_unknown_table_of_another_tool_stops_first_run(database, ddl):
    database.run(ddl)
    migrator = pgbraid.load(PLAIN)
    for verb in (migrator.up, migrator.adopt):
        with pytest.raises(ProblemsFound) as caught:
            verb(database.conninfo)
        assert codes(caught.value.problems) == ["tracker_unknown"]
    assert "tracker_unknown" in codes(migrator.check(database.conninfo).problems)
    assert database.value("SELECT to_regclass('a')") is None
    alone = pgbraid.load(PLAIN, adopt=False)
    assert len(alone.up(database.conninfo).applied) == 2
    assert migrator.up(database.conninfo).applied == ()


@pytest.mark.parametrize("column", ["version varchar PRIMARY KEY", "other int"])
def test_another_tools_table_without_row_stops_nothing(database, column):
    database.run(f"CREATE TABLE schema_migrations ({column})")
    assert len(pgbraid.load(PLAIN).up(database.conninfo).applied) == 2


def test_ledger_in_another_schema_with_same_migrations_stops_first_run(database):
    pgbraid.load(PLAIN, schema="app").up(database.conninfo)
    migrator = pgbraid.load(PLAIN)
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    (problem,) = caught.value.problems
    assert problem.code == "other_ledger"
    assert "app.applied_migrations has 2 of these 2 migrations applied" in problem.message
    assert "`schema` app or in the settings" in problem.hint
    assert not migrator.check(database.conninfo).ok
    assert database.value("SELECT to_regclass('public.applied_migrations')") is None


@pytest.mark.parametrize(
    ("existing", "chosen"),
    [
        ({"table": "history"}, {}),
        ({}, {"table": "history"}),
        ({"schema": "app", "table": "history"}, {"schema": "app"}),
        ({"schema": "app", "table": "history"}, {"table": "other"}),
    ],
)
def test_ledger_of_another_name_is_found(database, existing, chosen):
    pgbraid.load(PLAIN, **existing).up(database.conninfo)
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(PLAIN, **chosen).up(database.conninfo)
    assert codes(caught.value.problems) == ["other_ledger"]


def test_adopted_ledger_is_recognised_by_its_names(database):
    database.run("CREATE TABLE a (i int); CREATE TABLE b (i int)")
    pgbraid.load(PLAIN, schema="app").baseline(database.conninfo, 2)
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(PLAIN).up(database.conninfo)
    assert codes(caught.value.problems) == ["other_ledger"]


def test_ledger_of_other_migrations_stops_nothing(database):
    first = {"1_a.sql": "CREATE TABLE x ()", "2_z.sql": "", "3_c.sql": "SELECT 3"}
    pgbraid.load(first, schema="app").up(database.conninfo)
    second = {"1_a.sql": "CREATE TABLE y ()", "2_z.sql": "", "3_d.sql": "SELECT 4"}
    other = pgbraid.load(second, ledgers="many")
    assert codes(other.up(database.conninfo).warnings) == ["empty"]
    assert len(
        pgbraid.load({"1_a.sql": "CREATE TABLE z ()"}, table="t").up(database.conninfo).applied
    )


def test_setting_allows_many_ledgers_of_one_folder(database):
    for schema in ("one", "two"):
        migrator = pgbraid.load(PLAIN, schema=schema, ledgers="many", search_path=schema)
        report = migrator.up(database.conninfo)
        assert (len(report.applied), report.warnings) == (2, ())
        assert migrator.check(database.conninfo).ok
    made = database.rows("SELECT schemaname FROM pg_tables WHERE tablename = 'a' ORDER BY 1")
    assert made == [("one",), ("two",)]


def test_run_that_made_nothing_in_its_own_schema_is_warned_of(database):
    files = {"1_a.sql": "CREATE TABLE IF NOT EXISTS a (i int)"}
    for schema in ("one", "two"):
        report = pgbraid.load(files, schema=schema, ledgers="many").up(database.conninfo)
        assert codes(report.warnings) == ["made_elsewhere"]
        assert "`search_path`" in report.warnings[0].hint


def test_only_owner_may_write_to_new_tables(database, role):
    database.run(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {role}, PUBLIC")
    database.run(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO {role}")
    assert pgbraid.load(PLAIN).up(database.conninfo).warnings == ()
    for table in ("applied_migrations", "applied_migrations_journal"):
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
            query = "SELECT has_table_privilege(%s, %s, %s)"
            assert not database.value(query, role, table, right)
        assert database.value("SELECT has_table_privilege(%s, %s, 'SELECT')", role, table)
    sequence = database.value("SELECT pg_get_serial_sequence('applied_migrations_journal', 'id')")
    assert not database.value("SELECT has_sequence_privilege(%s, %s, 'UPDATE')", role, sequence)


def test_other_roles_with_right_to_write_ledger_get_warning(database, role):
    pgbraid.load({"1_a.sql": PLAIN["1_a.sql"]}).up(database.conninfo)
    database.run(f"GRANT INSERT, DELETE ON applied_migrations TO {role}")
    (warning,) = pgbraid.load(PLAIN).up(database.conninfo).warnings
    assert warning.code == "ledger_writable"
    assert warning.message.startswith(f"{role} may write to public.applied_migrations")


@pytest.mark.parametrize("name", ["kept", "applied_migrations_old"])
def test_renamed_ledger_is_found_without_its_journal(database, name):
    migrator = pgbraid.load(PLAIN)
    migrator.up(database.conninfo)
    database.run(
        f"ALTER TABLE applied_migrations RENAME TO {name}; DROP TABLE applied_migrations_journal"
    )
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    (problem,) = caught.value.problems
    assert problem.code == "other_ledger"
    assert f"`table` {name} or in the settings" in problem.hint


def test_table_of_same_shape_with_other_texts_is_no_ledger(database):
    database.run(
        "CREATE TABLE releases (version text, name text, applied_at date, checksum text);"
        "INSERT INTO releases VALUES ('1', 'x', now(), 'y'), ('v2', 'b', now(), NULL)"
    )
    assert len(pgbraid.load(PLAIN).up(database.conninfo).applied) == 2


THREE = {f"{n}_{name}.sql": f"CREATE TABLE {name} (i int)" for n, name in enumerate("abc", 1)}


def problems_of_second_ledger(database, first, then):
    pgbraid.load(first).up(database.conninfo)
    return codes(pgbraid.load(then, table="second").plan(database.conninfo).problems)


def test_files_that_were_all_reformatted_are_known_by_their_names(database):
    reformatted = {name: f"{text} " for name, text in THREE.items()}
    assert problems_of_second_ledger(database, THREE, reformatted) == ["other_ledger"]


def test_two_names_in_common_are_no_history(database):
    reformatted = {name: f"{text} " for name, text in PLAIN.items()}
    assert problems_of_second_ledger(database, PLAIN, reformatted) == ["database_not_empty"]


def test_one_foreign_name_makes_another_history(database):
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2", "3_other.sql": "SELECT 3"}
    assert problems_of_second_ledger(database, THREE, files) == ["database_not_empty"]


def test_empty_ledger_of_another_role_beside_tables_is_named(database):
    database.run(
        f"{SCHEMA}; CREATE TABLE applied_migrations (version bigint, name text,"
        " applied_at timestamptz DEFAULT now(), checksum text)"
    )
    migrator = pgbraid.load({"1_b.sql": "CREATE TABLE b ()"})
    assert codes(migrator.plan(database.conninfo).warnings) == ["database_not_empty"]
    assert codes(migrator.up(database.conninfo).warnings) == ["database_not_empty"]
    assert migrator.check(database.conninfo).ok


@pytest.mark.parametrize("lost", ["false", "event = 'applied'", "version = 2"])
def test_renamed_applied_set_is_named(database, lost):
    """Its journal contradicts the empty applied set, or has an incomplete migration, or both."""
    alone = "-- pgbraid: no-transaction\nCREATE TABLE b (i int);"
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a (i int)", "2_b.sql": alone})
    migrator.up(database.conninfo)
    database.run(
        f"DELETE FROM applied_migrations_journal WHERE {lost};"
        "ALTER TABLE applied_migrations RENAME TO kept"
    )
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    first = caught.value.problems[0]
    assert first.code == "other_ledger"
    assert "public.kept has 2 of these 2 migrations applied" in first.message
    assert "public.applied_migrations again with ALTER TABLE" in first.hint
    assert not migrator.check(database.conninfo).ok
    database.run("ALTER TABLE kept RENAME TO applied_migrations")
    if lost == "false":
        assert migrator.up(database.conninfo).applied == ()
