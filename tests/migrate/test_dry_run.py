import pytest

import pgbraid
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.events import WaitingForLock


def codes(pairs):
    return [(m.version, d.sqlstate, d.location.line) for m, d in pairs]


def test_dry_run_keeps_nothing(database):
    files = {"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "ALTER TABLE a ADD b int"}
    migrator = pgbraid.load(files, schema="app")
    report = migrator.up(database.conninfo, dry_run=True)
    assert report.dry_run
    assert [o.migration.version for o in report.would_apply] == [1, 2]
    assert report.failures == ()
    assert database.rows(
        "SELECT to_regclass('a'), to_regclass('app.applied_migrations'), to_regnamespace('app')"
    ) == [(None, None, None)]


def test_every_failure_is_reported_by_file_and_line(database):
    files = {
        "1_a.sql": "CREATE TABLE a (id int PRIMARY KEY)",
        "2_b.sql": "SELECT 1;\nSELECT emial",
        "3_c.sql": "INSERT INTO a VALUES (1)",
        "4_d.sql": "CREATE TABLE d ();\n\nINSERT INTO a VALUES (1)",
        "5_e.sql": "SELECT count(*) / 0 FROM d",
        "6_f.sql": "SELEC",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert [o.migration.version for o in report.would_apply] == [1, 3]
    assert codes(report.failures) == [
        (2, "42703", 2),
        (4, "23505", 3),
        (5, "42P01", 1),
        (6, "42601", 1),
    ]
    assert database.value("SELECT to_regclass('a')") is None


def test_deferred_constraint_is_tried_and_stays_deferred_for_next(database):
    setup = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int REFERENCES p DEFERRABLE"
    setup += " INITIALLY DEFERRED)"
    files = {
        "1_a.sql": setup,
        "2_b.sql": "INSERT INTO c VALUES (1)",
        "3_c.sql": "INSERT INTO c VALUES (2); INSERT INTO p VALUES (2)",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert [(m.version, d.sqlstate) for m, d in report.failures] == [(2, "23503")]
    assert [o.migration.version for o in report.would_apply] == [1, 3]


def test_settings_of_migration_do_not_reach_next_one(database):
    files = {
        "1_a.sql": "SET search_path = nowhere; SET my.x = 'leak'; SET check_function_bodies = off",
        "2_b.sql": "CREATE TABLE b (); SELECT 1 / (current_setting('my.x', true) IS DISTINCT FROM"
        " 'leak')::int",
    }
    assert pgbraid.load(files).up(database.conninfo, dry_run=True).failures == ()


def test_enum_value_that_needs_commit_is_no_failure(database):
    files = {
        "1_a.sql": "CREATE TYPE mood AS ENUM ('ok')",
        "2_b.sql": "ALTER TYPE mood ADD VALUE 'sad'",
        "3_c.sql": "SELECT 'sad'::mood",
    }
    pgbraid.load({"1_a.sql": files["1_a.sql"]}).up(database.conninfo)
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert report.failures == ()
    assert [(m.version, d.sqlstate) for m, d in report.inconclusive] == [(3, "55P04")]
    assert len(pgbraid.load(files).up(database.conninfo).applied) == 2


def test_enum_value_used_in_its_own_file_is_failure(database):
    pgbraid.load({"1_a.sql": "CREATE TYPE mood AS ENUM ('ok')"}).up(database.conninfo)
    files = {
        "1_a.sql": "CREATE TYPE mood AS ENUM ('ok')",
        "2_b.sql": "ALTER TYPE mood ADD VALUE 'sad'; SELECT 'sad'::mood",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert [(m.version, d.sqlstate) for m, d in report.failures] == [(2, "55P04")]


def test_dry_run_obeys_gaps_and_to(database):
    pgbraid.load({"2_b.sql": "SELECT 1"}).up(database.conninfo)
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1", "3_c.sql": "SELECT 1"}
    report = pgbraid.load(files).up(database.conninfo, dry_run=True, to=2)
    assert [(o.migration.version, o.gap) for o in report.would_apply] == [(1, True)]
    assert [s.migration.version for s in report.above_target] == [3]
    assert database.versions() == [2]


def test_dry_run_refuses_problems_that_up_refuses(database):
    with pytest.raises(ProblemsFound):
        pgbraid.load({"1_a.sql": "COMMIT"}).up(database.conninfo, dry_run=True)


def test_dry_run_of_ledger_schema_fails_as_up_would(database):
    migrator = pgbraid.load({"1_a.sql": "CREATE SCHEMA app"}, schema="app")
    report = migrator.up(database.conninfo, dry_run=True)
    assert [d.sqlstate for _, d in report.failures] == ["42P06"]
    with pytest.raises(pgbraid.MigrationFailed) as caught:
        migrator.up(database.conninfo)
    assert caught.value.sqlstate == "42P06"


def test_dry_run_reports_that_nothing_is_pending(database):
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    report = pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, dry_run=True)
    assert (report.applied, report.previously_applied, report.dry_run) == ((), 1, True)


def test_deferred_check_does_not_block_next_file(database):
    """ALTER TABLE refuses a table with pending trigger events; a real run commits in between."""
    files = {
        "1_a.sql": "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int REFERENCES p"
        " DEFERRABLE INITIALLY DEFERRED)",
        "2_b.sql": "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)",
        "3_c.sql": "ALTER TABLE c ADD COLUMN note text",
        "4_d.sql": "SET CONSTRAINTS ALL IMMEDIATE",
        "5_e.sql": "INSERT INTO c VALUES (2); INSERT INTO p VALUES (2)",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert codes(report.failures) == []
    assert len(report.would_apply) == 5
    assert len(pgbraid.load(files).up(database.conninfo).applied) == 5


def test_temporary_tables_end_with_their_file(database):
    files = {
        "1_a.sql": "CREATE TEMP TABLE work (id int PRIMARY KEY); CREATE TEMP TABLE more (id int"
        " REFERENCES work DEFERRABLE INITIALLY DEFERRED); INSERT INTO work VALUES (1);"
        " INSERT INTO more VALUES (1)",
        "2_b.sql": "CREATE TEMP TABLE work (id int)",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert codes(report.failures) == []


def test_failures_after_untried_migration_are_inconclusive(database):
    pgbraid.load({"1_a.sql": "CREATE TYPE mood AS ENUM ('ok')"}).up(database.conninfo)
    files = {
        "1_a.sql": "CREATE TYPE mood AS ENUM ('ok')",
        "2_b.sql": "ALTER TYPE mood ADD VALUE 'sad'",
        "3_c.sql": "CREATE TABLE t AS SELECT 'sad'::mood AS mood",
        "4_d.sql": "ALTER TABLE t ADD COLUMN x int",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert report.failures == ()
    assert codes(report.inconclusive) == [(3, "55P04", 1), (4, "42P01", 1)]


def test_dry_run_reports_role_without_right_to_write_ledger(database, role):
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    database.run(f"GRANT SELECT ON applied_migrations, applied_migrations_journal TO {role}")
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"}
    report = pgbraid.load(files).up(database.as_role(role), dry_run=True)
    assert [(m.version, d.sqlstate) for m, d in report.failures] == [(2, "42501")]


def test_migrations_applied_by_concurrent_run_are_not_tried(database, holder):
    """The plan is made under the lock, so versions of another run are not run again."""

    def meanwhile(event):
        if isinstance(event, WaitingForLock):
            holder.execute(
                "CREATE TABLE a (); CREATE TABLE applied_migrations (version bigint PRIMARY KEY,"
                " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),"
                " checksum text); INSERT INTO applied_migrations VALUES (1, 'a')"
            )
            holder.close()

    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "SELECT 2"})
    report = migrator.up(database.conninfo, dry_run=True, on_event=meanwhile)
    assert (report.previously_applied, [o.migration.version for o in report.would_apply]) == (
        1,
        [2],
    )


def test_equal_constraint_names_of_several_tables_do_not_conflict(database, role):
    """Names of constraints are unique per table, but SET CONSTRAINTS searches the schema."""
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    database.run(
        "CREATE SCHEMA other; CREATE TABLE other.p (id int PRIMARY KEY);"
        "CREATE TABLE other.c (id int REFERENCES other.p DEFERRABLE INITIALLY DEFERRED);"
        f"GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
    )
    files = {
        "1_a.sql": "SELECT 1",
        "2_b.sql": "CREATE TABLE p (id int PRIMARY KEY);"
        "CREATE TABLE x (p int, CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES p DEFERRABLE"
        " INITIALLY DEFERRED);"
        "CREATE TABLE y (p int, CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES p);"
        "CREATE TABLE z (p int, CONSTRAINT late FOREIGN KEY (p) REFERENCES p DEFERRABLE)",
        "3_c.sql": "INSERT INTO x VALUES (1); INSERT INTO p VALUES (1)",
        "4_d.sql": "SELECT 1;\nINSERT INTO z VALUES (9)",
    }
    report = pgbraid.load(files).up(database.as_role(role), dry_run=True)
    assert codes(report.failures) == [(4, "23503", 2)]
    assert [o.migration.version for o in report.would_apply] == [2, 3]


def test_syntax_error_after_untried_migration_is_failure(database):
    pgbraid.load({"1_a.sql": "CREATE TYPE mood AS ENUM ('ok')"}).up(database.conninfo)
    files = {
        "1_a.sql": "CREATE TYPE mood AS ENUM ('ok')",
        "2_b.sql": "ALTER TYPE mood ADD VALUE 'sad'",
        "3_c.sql": "SELECT 'sad'::mood",
        "4_d.sql": "SELEC 1",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert codes(report.failures) == [(4, "42601", 1)]


def test_commit_that_server_refuses_is_one_failure_of_several(database):
    files = {
        "1_a.sql": "CREATE TABLE a (); DO $$ BEGIN COMMIT; END $$",
        "2_b.sql": "SELECT emial",
        "3_c.sql": "SELECT 3",
    }
    report = pgbraid.load(files).up(database.conninfo, dry_run=True)
    assert codes(report.failures) == [(1, "2D000", 1), (2, "42703", 1)]
    assert [o.migration.version for o in report.would_apply] == [3]
