"""Trackers with values that their tool never writes: never a wrong history, never a traceback."""

import hashlib

import pytest

import pgbraid
from pgbraid import ProblemsFound
from pgbraid.importers.tools import TOOLS, tool_named
from pgbraid.migrate.convert import convert_files

FILES = {f"00{number}_m{number}.sql": f"CREATE TABLE t{number} ()" for number in (1, 2, 3)}
FLYWAY = (
    "CREATE TABLE flyway_schema_history (installed_rank int, version varchar, description varchar,"
    " type varchar, script varchar, checksum int, success boolean);"
    "INSERT INTO flyway_schema_history VALUES "
)


def problem_of(database, sql, tool=None):
    database.run(sql)
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(FILES).adopt(database.conninfo, tool)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.names[0])
def test_row_of_nulls_is_refused(database, tool):
    schema = tool.schema or "public"
    columns = ", ".join(f"{name} {kinds.split('|')[0]}" for name, kinds in tool.columns)
    database.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    problem = problem_of(
        database,
        f'CREATE TABLE {schema}."{tool.tables[0]}" ({columns});'
        f'INSERT INTO {schema}."{tool.tables[0]}" DEFAULT VALUES',
        tool.names[0],
    )
    assert (problem.code, "has a row without" in problem.message) == ("tracker_ambiguous", True)


@pytest.mark.parametrize("key", ["²", "\u0661", "9" * 5000, "", " 1", "-1"])
def test_key_that_is_no_number_has_no_file(database, key):
    problem = problem_of(
        database,
        f"CREATE TABLE schema_migrations (version varchar);"
        f"INSERT INTO schema_migrations VALUES ('{key}')",
    )
    assert problem.code == "tracker_version_without_file"


def test_baseline_that_is_no_version_has_no_file(database):
    problem = problem_of(database, f"{FLYWAY} (1, '1.x', 'm', 'BASELINE', 'm', NULL, true)")
    assert problem.code == "tracker_version_without_file"


def test_undo_of_flyway_that_failed_is_dirty(database):
    problem = problem_of(
        database,
        f"{FLYWAY} (1, '1', 'm1', 'SQL', 'V1__m1.sql', NULL, true),"
        "(2, '1', 'm1', 'UNDO_SQL', 'U1__m1.sql', NULL, false)",
    )
    assert (problem.code, "U1__m1.sql" in problem.message) == ("tracker_dirty", True)


def test_baseline_script_of_flyway_stands_for_all_up_to_it(database):
    database.run(f"{FLYWAY} (1, '2', 'base', 'SQL_BASELINE', 'B2__base.sql', 77, true)")
    adoption = pgbraid.load(FILES).adopt(database.conninfo)
    assert [migration.version for migration in adoption.migrations] == [1, 2]
    assert adoption.verified == frozenset()


def test_rows_of_atlas_without_time_are_read(database):
    database.run(
        "CREATE SCHEMA atlas_schema_revisions;"
        "CREATE TABLE atlas_schema_revisions.atlas_schema_revisions (version varchar, description"
        " varchar, applied bigint, total bigint, hash varchar, executed_at timestamptz);"
        "INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES"
        " ('1', 'm1', 1, 1, 'x', NULL), ('2', 'm2', 1, 1, 'x', now())"
    )
    adoption = pgbraid.load(FILES).adopt(database.conninfo)
    assert [migration.version for migration in adoption.migrations] == [1, 2]


def test_partitioned_tracker_is_adopted_and_dropped(database):
    database.run(
        "CREATE TABLE schema_migrations (version varchar) PARTITION BY LIST (version);"
        "CREATE TABLE part PARTITION OF schema_migrations DEFAULT;"
        "INSERT INTO schema_migrations VALUES ('1')"
    )
    migrator = pgbraid.load(FILES)
    assert [m.version for m in migrator.adopt(database.conninfo).migrations] == [1]
    assert migrator.drop_tracker_table(database.conninfo) == "public.schema_migrations"
    assert database.value("SELECT to_regclass('part') IS NULL")


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_view_with_the_name_of_a_tracker_stops_the_first_run_and_is_not_read(database, kind):
    database.run(
        "CREATE FUNCTION fail() RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';"
        f"CREATE {kind} goose_db_version AS SELECT fail() AS id, 1::bigint AS version_id,"
        f" true AS is_applied {'WITH NO DATA' * (kind != 'VIEW')}"
    )
    migrator = pgbraid.load(FILES)
    for command in (migrator.up, migrator.adopt):
        with pytest.raises(ProblemsFound) as caught:
            command(database.conninfo)
        (problem,) = caught.value.problems
        assert (problem.code, "view" in problem.detail) == ("tracker_unknown", True)
    assert len(pgbraid.load(FILES, adopt=False).up(database.conninfo).applied) == 3


def test_adoption_without_the_right_to_read_names_the_table(database, role):
    database.run(
        "CREATE TABLE schema_migrations (version varchar); GRANT CREATE ON SCHEMA public TO "
        f"{role}; INSERT INTO schema_migrations VALUES ('1')"
    )
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(FILES).adopt(database.as_role(role))
    (problem,) = caught.value.problems
    assert "public.schema_migrations" in problem.message
    assert "GRANT SELECT" in problem.hint


def test_tracker_in_another_schema_with_these_versions_makes_the_choice_ambiguous(database):
    database.run(
        "CREATE SCHEMA a; CREATE TABLE a.schema_migrations (version varchar);"
        "INSERT INTO a.schema_migrations VALUES ('1');"
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (2, false)"
    )
    migrator = pgbraid.load(FILES)
    with pytest.raises(ProblemsFound) as caught:
        migrator.adopt(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["tracker_ambiguous"]
    adoption = migrator.adopt(database.conninfo, "dbmate")
    assert [migration.version for migration in adoption.migrations] == [1]


def test_hint_for_two_tables_of_one_tool_does_not_repeat_its_name(database):
    for schema in ("a", "b"):
        database.run(
            f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.schema_migrations (version varchar);"
            f"INSERT INTO {schema}.schema_migrations VALUES ('1')"
        )
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(FILES).adopt(database.conninfo, "dbmate")
    (problem,) = caught.value.problems
    assert (problem.code, "--from" in problem.hint) == ("tracker_ambiguous", False)


def test_file_whose_name_ends_with_the_recorded_one_is_another_file(database):
    database.run(
        "CREATE TABLE _sqlx_migrations (version bigint, description text, success boolean,"
        " checksum bytea); INSERT INTO _sqlx_migrations VALUES (1, 'users', true, '')"
    )
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_drop_users.sql": "SELECT 1"}).adopt(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["tracker_name_differs"]


def test_two_files_of_one_version_are_not_one_migration(database):
    problem = problem_of(
        database,
        "CREATE TABLE knex_migrations (name varchar, batch int, migration_time timestamptz);"
        "INSERT INTO knex_migrations VALUES ('1_other.js', 1, now()), ('1_m1.js', 1, now())",
    )
    assert problem.code == "tracker_version_without_file"


def test_equal_text_does_not_make_another_file_applied(database, tmp_path):
    folder = tmp_path / "old" / "2_b"
    folder.mkdir(parents=True)
    (folder / "migration.sql").write_text("SELECT 1;")
    convert_files(tool_named("prisma"), tmp_path / "old", tmp_path / "new")
    checksum = hashlib.sha256(b"SELECT 1;").hexdigest()
    database.run(
        "CREATE TABLE _prisma_migrations (migration_name varchar, checksum varchar, finished_at"
        f" timestamptz); INSERT INTO _prisma_migrations VALUES ('1_a', '{checksum}', now())"
    )
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(tmp_path / "new").adopt(database.conninfo)
    assert [p.code for p in caught.value.problems] == ["tracker_version_without_file"]
