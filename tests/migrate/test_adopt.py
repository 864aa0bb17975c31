import pytest

import pgbraid
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.results import State

FILES = {f"{n}_m{n}.up.sql": f"CREATE TABLE t{n} ()" for n in (101, 102, 103, 104, 105)}


@pytest.fixture
def legacy(database):
    """The table of golang-migrate at 104, after it skipped 103."""
    database.run(
        "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY,"
        " dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (104, false);"
        "CREATE TABLE t101 (); CREATE TABLE t102 (); CREATE TABLE t104 ()"
    )
    return database


def test_up_adopts_clean_counter_and_reports_assumption(legacy):
    report = pgbraid.load(FILES).up(legacy.conninfo)
    assert [o.migration.version for o in report.applied] == [105]
    assert "if it skipped one, name it with `not_applied`" in report.adoption.note
    assert legacy.rows("SELECT version, checksum IS NULL FROM applied_migrations ORDER BY 1") == [
        (101, True),
        (102, True),
        (103, True),
        (104, True),
        (105, False),
    ]
    assert legacy.events() == [
        ("adopted", None),
        *[("adopted", v) for v in (101, 102, 103, 104)],
        ("applied", 105),
    ]
    assert legacy.value("SELECT count(*) FROM schema_migrations") == 1


def test_version_that_counter_skipped_is_run(legacy):
    report = pgbraid.load(FILES).up(legacy.conninfo, not_applied=[103])
    assert [(o.migration.version, o.gap) for o in report.applied] == [(103, True), (105, False)]
    assert report.adoption.excluded == (103,)
    assert legacy.value("SELECT to_regclass('t103') IS NOT NULL")
    again = pgbraid.load(FILES).up(legacy.conninfo, not_applied=[103])
    assert (again.applied, again.previously_applied) == ((), 5)


def test_adopted_file_with_another_version_does_not_run_twice(legacy):
    pgbraid.load(FILES).adopt(legacy.conninfo)
    moved = {"106_m101.up.sql" if name.startswith("101") else name: FILES[name] for name in FILES}
    migrator = pgbraid.load(moved)
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(legacy.conninfo)
    assert [(p.code, p.versions) for p in caught.value.problems] == [("renumbered", (106, 101))]
    assert "another name" in caught.value.problems[0].hint
    migrator.baseline(legacy.conninfo, only=[106])
    assert [o.migration.version for o in migrator.up(legacy.conninfo).applied] == [105]


def test_adoption_is_one_transaction(legacy):
    legacy.run(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY CHECK (version <> 103),"
        " name text, applied_at timestamptz, checksum text)"
    )
    with pytest.raises(pgbraid.PgbraidError):
        pgbraid.load(FILES).up(legacy.conninfo)
    assert legacy.versions() == []


def test_adopt_runs_nothing(legacy):
    adoption = pgbraid.load(FILES).adopt(legacy.conninfo, not_applied=[103])
    assert [m.version for m in adoption.migrations] == [101, 102, 104]
    assert legacy.versions() == [101, 102, 104]
    assert legacy.value("SELECT to_regclass('t105') IS NULL")
    assert pgbraid.load(FILES).adopt(legacy.conninfo) is None


def test_version_that_never_ran_can_be_removed_after_adoption(legacy):
    migrator = pgbraid.load(FILES)
    migrator.up(legacy.conninfo)
    report = migrator.up(legacy.conninfo, not_applied=[103, 105])
    assert [(p.code, p.versions) for p in report.warnings] == [("adopted_before", (103,))]
    assert [row.version for row in migrator.unadopt(legacy.conninfo, [103])] == [103]
    assert migrator.unadopt(legacy.conninfo, [103]) == ()
    assert legacy.events()[-1] == ("unadopted", 103)
    assert [(o.migration.version, o.gap) for o in migrator.up(legacy.conninfo).applied] == [
        (103, True)
    ]
    with pytest.raises(ConfigError, match="103 was applied, not adopted"):
        migrator.unadopt(legacy.conninfo, [103])


def test_recorded_checksum_is_no_proof_that_version_ran(legacy):
    migrator = pgbraid.load(FILES)
    migrator.adopt(legacy.conninfo)
    migrator.repair(legacy.conninfo, [103])
    assert [row.version for row in migrator.unadopt(legacy.conninfo, [103])] == [103]


def test_check_lists_versions_without_checksum(legacy):
    files = {name: text for name, text in FILES.items() if name < "105"}
    migrator = pgbraid.load(files)
    migrator.adopt(legacy.conninfo)
    check = migrator.check(legacy.conninfo)
    assert (check.ok, check.unverified) == (True, 4)
    migrator.repair(legacy.conninfo, [101])
    assert migrator.check(legacy.conninfo).unverified == 3


def test_excluded_table_is_not_adopted_on_request(legacy):
    migrator = pgbraid.load(FILES, adopt=False)
    for call in (migrator.adopt, migrator.drop_tracker_table):
        with pytest.raises(ConfigError, match="are not read"):
            call(legacy.conninfo)
    assert legacy.value("SELECT to_regclass('applied_migrations')") is None


def test_another_applications_table_can_be_left_alone(legacy):
    migrator = pgbraid.load({"1_own.sql": "SELECT 1"}, schema="own", adopt=False)
    assert migrator.plan(legacy.conninfo).adoption is None
    assert len(migrator.up(legacy.conninfo).applied) == 1
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_own.sql": "SELECT 1"}, schema="other").up(legacy.conninfo)
    assert "`adopt = false`" in caught.value.problems[0].hint


def test_version_removed_from_applied_set_is_not_adopted_again(legacy):
    files = {"101_m101.up.sql": "SELECT 1", "101_m101.down.sql": "DROP TABLE t101"}
    legacy.run("UPDATE schema_migrations SET version = 101")
    migrator = pgbraid.load(files)
    migrator.adopt(legacy.conninfo)
    assert [row.version for row in migrator.unadopt(legacy.conninfo, [101])] == [101]
    assert migrator.adopt(legacy.conninfo) is None
    report = migrator.up(legacy.conninfo)
    assert (report.adoption, [o.migration.version for o in report.applied]) == (None, [101])
    migrator.undo(legacy.conninfo, 101)
    report = migrator.up(legacy.conninfo)
    assert (report.adoption, [o.migration.version for o in report.applied]) == (None, [101])


def test_applied_set_emptied_by_hand_is_adopted_again(legacy):
    migrator = pgbraid.load(FILES)
    migrator.adopt(legacy.conninfo)
    legacy.run("DELETE FROM applied_migrations")
    assert len(migrator.up(legacy.conninfo).adoption.migrations) == 4


def test_reading_commands_show_adoption_and_write_nothing(legacy):
    migrator = pgbraid.load(FILES)
    assert [row.state for row in migrator.status(legacy.conninfo).rows] == [
        *[State.ADOPTABLE] * 4,
        State.PENDING,
    ]
    plan = migrator.plan(legacy.conninfo, not_applied=[103])
    assert [(s.migration.version, s.gap) for s in plan.steps] == [(103, True), (105, False)]
    assert [p.code for p in migrator.check(legacy.conninfo).problems] == ["not_adopted", "pending"]
    assert migrator.up(legacy.conninfo, dry_run=True).adoption
    assert legacy.value("SELECT to_regclass('applied_migrations') IS NULL")


def test_applied_set_with_rows_ignores_counter(legacy):
    legacy.run(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text,"
        " applied_at timestamptz, checksum text);"
        "INSERT INTO applied_migrations VALUES (101, 'm101')"
    )
    plan = pgbraid.load(FILES).plan(legacy.conninfo)
    assert plan.adoption is None
    assert [s.migration.version for s in plan.steps] == [102, 103, 104, 105]


@pytest.mark.parametrize(
    ("rows", "code", "message"),
    [
        ("(104, true)", "tracker_dirty", "is dirty at version 104"),
        ("(-1, true)", "tracker_dirty", "is dirty at version -1"),
        ("(99, false)", "tracker_version_without_file", "has version 99, but no file"),
        ("(101, false), (102, false)", "tracker_ambiguous", "has 2 rows"),
    ],
)
def test_ambiguous_counter_stops_run(legacy, rows, code, message):
    legacy.run(f"DELETE FROM schema_migrations; INSERT INTO schema_migrations VALUES {rows}")
    for call in (pgbraid.load(FILES).up, pgbraid.load(FILES).adopt):
        with pytest.raises(ProblemsFound) as caught:
            call(legacy.conninfo)
        (problem,) = caught.value.problems
        assert problem.code == code
        assert message in problem.message
        assert "pgbraid" in problem.hint
    assert legacy.value("SELECT to_regclass('applied_migrations') IS NULL")


@pytest.mark.parametrize("row", ["", "INSERT INTO schema_migrations VALUES (-1, false)"])
def test_counter_without_version_adopts_nothing(legacy, row):
    legacy.run(f"DELETE FROM schema_migrations; DROP TABLE t101, t102, t104; {row}")
    report = pgbraid.load(FILES).up(legacy.conninfo)
    assert len(report.applied) == 5


def test_adopt_without_another_tool_is_usage_error(database):
    with pytest.raises(ConfigError, match="no tracker of another tool was found"):
        pgbraid.load(FILES).adopt(database.conninfo)


def test_old_table_can_be_dropped_once_all_versions_are_recorded(legacy):
    migrator = pgbraid.load(FILES)
    with pytest.raises(ConfigError, match="was not adopted here"):
        migrator.drop_tracker_table(legacy.conninfo)
    migrator.up(legacy.conninfo)
    assert migrator.drop_tracker_table(legacy.conninfo) == "public.schema_migrations"
    assert legacy.value("SELECT to_regclass('schema_migrations') IS NULL")
    assert legacy.events()[-1] == ("tracker_table_dropped", None)
    with pytest.raises(ConfigError, match="no tracker of another tool"):
        migrator.drop_tracker_table(legacy.conninfo)


def test_old_table_stays_while_other_tool_writes(legacy):
    early = {name: text for name, text in FILES.items() if name < "105"}
    pgbraid.load(early).up(legacy.conninfo)
    legacy.run("UPDATE schema_migrations SET version = 105")
    with pytest.raises(ConfigError, match="records version 105, which the applied set lacks"):
        pgbraid.load(FILES).drop_tracker_table(legacy.conninfo)
    assert legacy.value("SELECT to_regclass('schema_migrations') IS NOT NULL")


def test_migration_may_drop_old_table(legacy):
    files = FILES | {"106_drop.up.sql": "DROP TABLE schema_migrations"}
    pgbraid.load(files).up(legacy.conninfo)
    assert legacy.value("SELECT to_regclass('schema_migrations') IS NULL")
