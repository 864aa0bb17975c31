"""A baseline that replaces 101 to 103, in every state of a database."""

import pytest

import pgbraid
from pgbraid.model.results import State

OLD = {
    "101_users.sql": "CREATE TABLE users (id int);",
    "102_orders.sql": "CREATE TABLE orders (id int);",
    "103_email.sql": "ALTER TABLE users ADD email text;",
}
LATER = {
    "104_index.sql": "CREATE INDEX ON users (id);",
    "105_name.sql": "ALTER TABLE users ADD name text;",
}
BASELINE = {
    "103_baseline.sql": "-- pgbraid: replaces=101-103\n"
    "CREATE TABLE users (id int, email text);\nCREATE TABLE orders (id int);"
}
SECOND = {
    "105_second.sql": "-- pgbraid: replaces=101-103,104,105,103_baseline\n"
    "CREATE TABLE users (id int, email text, name text);\n"
    "CREATE TABLE orders (id int);\nCREATE INDEX ON orders (id);"
}
NEW = {"106_more.sql": "CREATE TABLE more (id int);"}


def load(*parts, **options):
    files = {name: text for part in parts for name, text in part.items()}
    return pgbraid.load(files, settings=False, **options)


def only(files, *versions):
    return {name: text for name, text in files.items() if int(name[:3]) in versions}


SQUASHED = (BASELINE, LATER)


def states(database, *parts):
    return {
        (row.version, row.name): row.state for row in load(*parts).status(database.conninfo).rows
    }


def applied(report):
    return [outcome.migration.version for outcome in report.applied]


def columns(database):
    return sorted(
        database.rows(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name NOT LIKE 'applied%'"
        )
    )


def test_fresh_database_runs_baseline_only(database):
    assert applied(load(*SQUASHED).up(database.conninfo)) == [103, 104, 105]
    assert database.rows("SELECT version, name FROM applied_migrations ORDER BY 1")[0] == (
        103,
        "baseline",
    )
    check = load(*SQUASHED).check(database.conninfo)
    assert (check.ok, check.problems, check.applied) == (True, (), 3)


def test_database_before_cut_is_refused_and_finishes_with_old_release(database):
    load(only(OLD, 101)).up(database.conninfo)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(*SQUASHED).up(database.conninfo)
    (problem,) = caught.value.problems
    assert (problem.code, problem.versions) == ("squash_incomplete", (102, 103))
    assert "the commit in which these files still exist" in problem.hint
    assert database.versions() == [101]
    load(OLD).up(database.conninfo)
    assert applied(load(*SQUASHED).up(database.conninfo)) == [104, 105]


def test_database_with_gap_below_cut_is_refused(database):
    load(only(OLD, 101, 103), LATER).up(database.conninfo)
    plan = load(*SQUASHED).plan(database.conninfo)
    assert [(p.code, p.versions) for p in plan.errors] == [("squash_incomplete", (102,))]
    assert "pgbraid baseline --only 102" in plan.errors[0].hint


def test_gap_recorded_with_old_release_satisfies_baseline(database):
    load(only(OLD, 101, 103)).up(database.conninfo)
    database.run("CREATE TABLE orders (id int)")
    load(OLD).baseline(database.conninfo, only=[102])
    assert applied(load(*SQUASHED).up(database.conninfo)) == [104, 105]


def test_database_at_cut_has_only_later_ones_pending(database):
    load(OLD).up(database.conninfo)
    plan = load(*SQUASHED).plan(database.conninfo)
    assert [s.migration.version for s in plan.steps] == [104, 105]
    assert plan.problems == ()
    assert applied(load(*SQUASHED).up(database.conninfo)) == [104, 105]
    assert database.versions() == [101, 102, 103, 104, 105]


def test_database_after_cut_has_nothing_to_do(database):
    load(OLD, LATER).up(database.conninfo)
    before = database.rows("SELECT * FROM applied_migrations ORDER BY version")
    report = load(*SQUASHED).up(database.conninfo)
    assert (report.applied, report.warnings, report.run_id) == ((), (), None)
    check = load(*SQUASHED).check(database.conninfo)
    assert (check.ok, check.problems) == (True, ())
    assert database.rows("SELECT * FROM applied_migrations ORDER BY version") == before


def test_database_after_cut_with_gap_above_cut_runs_it(database):
    load(OLD, only(LATER, 105)).up(database.conninfo)
    plan = load(*SQUASHED).plan(database.conninfo)
    assert [(s.migration.version, s.gap) for s in plan.steps] == [(104, True)]
    assert applied(load(*SQUASHED).up(database.conninfo)) == [104]


def test_database_that_ran_baseline_compares_its_checksum(database):
    load(*SQUASHED).up(database.conninfo)
    changed = {"103_baseline.sql": BASELINE["103_baseline.sql"] + "\nSELECT 1;"}
    plan = load(changed, LATER).plan(database.conninfo)
    assert [p.code for p in plan.errors] == ["modified"]


def test_database_with_old_rows_does_not_compare_checksum_of_baseline(database):
    load(OLD, LATER).up(database.conninfo)
    changed = {"103_baseline.sql": BASELINE["103_baseline.sql"] + "\nSELECT 1;"}
    assert load(changed, LATER).plan(database.conninfo).problems == ()


def test_old_release_is_refused_on_database_that_ran_baseline(database):
    load(*SQUASHED).up(database.conninfo)
    plan = load(OLD, LATER).plan(database.conninfo)
    assert [p.code for p in plan.errors] == ["version_taken"]


def test_status_shows_baseline_as_applied_and_replaced_versions(database):
    load(OLD, only(LATER, 104)).up(database.conninfo)
    assert states(database, *SQUASHED) == {
        (101, "users"): State.REPLACED,
        (102, "orders"): State.REPLACED,
        (103, "baseline"): State.APPLIED,
        (104, "index"): State.APPLIED,
        (105, "name"): State.PENDING,
    }


def test_status_of_partly_applied_history_shows_baseline_as_pending(database):
    load(only(OLD, 101)).up(database.conninfo)
    assert states(database, *SQUASHED)[103, "baseline"] is State.PENDING
    assert states(database, *SQUASHED)[101, "users"] is State.REPLACED


def test_second_squash_accepts_databases_of_both_kinds(database):
    load(*SQUASHED).up(database.conninfo)
    assert database.versions() == [103, 104, 105]
    assert load(SECOND, NEW).plan(database.conninfo).problems == ()
    assert applied(load(SECOND, NEW).up(database.conninfo)) == [106]
    assert load(SECOND, NEW).check(database.conninfo).ok


def test_second_squash_accepts_database_with_first_history(database):
    load(OLD, LATER).up(database.conninfo)
    assert applied(load(SECOND, NEW).up(database.conninfo)) == [106]
    assert load(SECOND, NEW).check(database.conninfo).ok


def test_second_squash_refuses_database_that_lacks_versions_above_first(database):
    load(BASELINE, only(LATER, 104)).up(database.conninfo)
    plan = load(SECOND, NEW).plan(database.conninfo)
    assert [(p.code, p.versions) for p in plan.errors] == [("squash_incomplete", (105,))]


def test_second_squash_refuses_database_that_lacks_versions_below_first(database):
    load(only(OLD, 101, 103), LATER).up(database.conninfo)
    plan = load(SECOND, NEW).plan(database.conninfo)
    assert [(p.code, p.versions) for p in plan.errors] == [("squash_incomplete", (102,))]


def test_both_kinds_of_databases_have_same_columns(database):
    load(OLD).up(database.conninfo)
    load(*SQUASHED).up(database.conninfo)
    before = columns(database)
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    load(*SQUASHED).up(database.conninfo)
    assert columns(database) == before


def test_repair_of_baseline_finds_nothing_to_repair(database):
    load(OLD, LATER).up(database.conninfo)
    repair = load(*SQUASHED).repair(database.conninfo, [103], rename=True)
    assert (repair.repaired, [m.version for m in repair.unchanged]) == ((), [103])
    assert load(*SQUASHED).repair(database.conninfo, all_modified=True).repaired == ()
    with pytest.raises(pgbraid.ConfigError, match="has no file here"):
        load(*SQUASHED).repair(database.conninfo, [102])


def test_undo_of_baseline_needs_down_file_and_its_own_run(database):
    load(OLD, LATER).up(database.conninfo)
    with pytest.raises(pgbraid.ConfigError, match="has no down file"):
        load(*SQUASHED).undo(database.conninfo, 103)
    down = {"103_baseline.down.sql": "DROP TABLE users, orders;"}
    with pytest.raises(pgbraid.ConfigError, match="has the migrations that it replaces"):
        load(*SQUASHED, down).undo(database.conninfo, 103)


def test_baseline_command_refuses_part_of_replaced_versions(database):
    load(only(OLD, 101)).up(database.conninfo)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(*SQUASHED).baseline(database.conninfo, 105)
    assert [p.code for p in caught.value.problems] == ["squash_incomplete"]


def test_baseline_command_records_baseline_on_database_without_rows(database):
    database.run("CREATE TABLE users (id int, email text); CREATE TABLE orders (id int)")
    load(*SQUASHED).baseline(database.conninfo, 103)
    assert applied(load(*SQUASHED).up(database.conninfo)) == [104, 105]


def test_deleted_row_of_replaced_version_is_restored_from_journal(database):
    load(OLD, LATER).up(database.conninfo)
    database.run("DELETE FROM applied_migrations WHERE version = 102")
    plan = load(*SQUASHED).plan(database.conninfo)
    assert [p.code for p in plan.errors] == ["applied_rows_missing"]
    load(*SQUASHED).reconcile(database.conninfo, trust="journal")
    assert load(*SQUASHED).check(database.conninfo).ok


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({**BASELINE, **only(OLD, 102)}, "replaces_existing"),
        ({"104_b.sql": "-- pgbraid: replaces=101-103\nSELECT 1;"}, "replaces_wrong"),
        ({"102_b.sql": "-- pgbraid: replaces=101-103\nSELECT 1;"}, "replaces_wrong"),
        (
            {**BASELINE, "105_b.sql": "-- pgbraid: replaces=101,105\nSELECT 1;"},
            "replaces_twice",
        ),
        ({**BASELINE, "099_x.sql": "SELECT 1;"}, "below_baseline"),
        ({"103_b.sql": "-- pgbraid: replaces=101-x\nSELECT 1;"}, "unknown_directive"),
        ({"103_b.sql": "-- pgbraid: replaces=1-9999999\nSELECT 1;"}, "unknown_directive"),
        (
            {"103_b.sql": "-- pgbraid: replaces=103 no-transaction\nSELECT 1;"},
            "unknown_directive",
        ),
    ],
)
def test_wrong_baseline_is_found_without_database(files, code):
    check = load(files).check_files()
    assert [p.code for p in check.problems if p.severity == "error"] == [code]
    assert load(*SQUASHED).check_files().ok


@pytest.mark.parametrize("style", ["103_email.sql", "103_email", "email"])
def test_later_rows_keep_style_of_names(database, style):
    load(OLD).up(database.conninfo)
    database.run(f"UPDATE applied_migrations SET name = '{style}' WHERE version = 103")
    load(*SQUASHED).up(database.conninfo)
    name = database.value("SELECT name FROM applied_migrations WHERE version = 105")
    assert name == style.replace("103_email", "105_name").replace("email", "name")


def test_check_counts_baseline_without_own_row_as_not_compared(database):
    load(OLD, LATER).up(database.conninfo)
    assert load(*SQUASHED).check(database.conninfo).unverified == 1
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    load(*SQUASHED).up(database.conninfo)
    assert load(*SQUASHED).check(database.conninfo).unverified == 0
