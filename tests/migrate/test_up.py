"""``up``: the applied set, gaps, failures and problems."""

import pytest

import pgbraid
from pgbraid.model.errors import ConfigError, MigrationFailed, ProblemsFound, TargetRefused
from pgbraid.model.events import WaitingForLock
from tests.fixtures.folders import GAP_FILE, THREE, versions_and_gaps


def test_gap_is_applied_and_reported(database):
    assert versions_and_gaps(pgbraid.load(THREE).up(database.conninfo)) == [
        (101, False),
        (102, False),
        (104, False),
    ]
    report = pgbraid.load(THREE | GAP_FILE).up(database.conninfo)
    assert versions_and_gaps(report) == [(103, True)]
    assert report.previously_applied == 3
    assert database.versions() == [101, 102, 103, 104]
    assert database.rows("SELECT email FROM users") == []


def test_second_run_does_nothing(database):
    migrator = pgbraid.load(THREE)
    migrator.up(database.conninfo)
    report = migrator.up(database.conninfo)
    assert (report.applied, report.previously_applied, report.run_id) == ((), 3, None)


def test_each_migration_sees_roles_own_search_path(database, role):
    database.run(f"CREATE SCHEMA own AUTHORIZATION {role}; GRANT CREATE ON SCHEMA own TO {role}")
    database.run(f"ALTER ROLE {role} SET search_path = own")
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE here (id int)"}, schema="own")
    migrator.up(database.as_role(role))
    assert database.value("SELECT to_regclass('own.here')::text") == "own.here"


def test_role_may_have_any_formats_and_limits(database, role):
    database.run(f"CREATE SCHEMA own AUTHORIZATION {role}")
    for setting in (
        "datestyle = 'German, DMY'",
        "intervalstyle = 'sql_standard'",
        "bytea_output = 'escape'",
        "statement_timeout = '100ms'",
        "default_transaction_isolation = 'serializable'",
        "standard_conforming_strings = off",
        "client_encoding = 'LATIN1'",
        "extra_float_digits = 0",
        "timezone = 'Asia/Kathmandu'",
    ):
        database.run(f"ALTER ROLE {role} SET {setting}")
    files = {
        "1_a.sql": "CREATE TABLE own.t (x text DEFAULT 'a\\');",
        "2_é→.sql": "SELECT pg_sleep(0.3); INSERT INTO own.t VALUES ('→');",
    }
    migrator = pgbraid.load(files, schema="own")
    migrator.up(database.as_role(role))
    assert migrator.check(database.as_role(role)).ok
    assert database.rows("SELECT name FROM own.applied_migrations ORDER BY version") == [
        ("a",),
        ("é→",),
    ]
    row = migrator.status(database.as_role(role)).rows[0]
    assert row.applied_at == database.value(
        "SELECT applied_at FROM own.applied_migrations WHERE version = 1"
    )


def test_failure_rolls_one_migration_back_and_keeps_those_before(database):
    migrator = pgbraid.load(
        {
            "1_a.sql": "CREATE TABLE a (id int)",
            "2_b.sql": "CREATE TABLE b (id int); SELECT 1/0",
            "3_c.sql": "CREATE TABLE c (id int)",
        }
    )
    with pytest.raises(MigrationFailed) as caught:
        migrator.up(database.conninfo)
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert caught.value.sqlstate == "22012"
    assert database.versions() == [1]
    assert database.rows("SELECT to_regclass('b'), to_regclass('c')") == [(None, None)]
    assert database.events() == [("applied", 1), ("failed", 2)]
    assert database.value(
        "SELECT detail FROM applied_migrations_journal WHERE event = 'failed'"
    ) == {"sqlstate": "22012", "message": "division by zero"}


def test_deferred_constraint_that_fails_at_commit_fails_migration(database):
    text = (
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int REFERENCES p"
        " DEFERRABLE INITIALLY DEFERRED); INSERT INTO c VALUES (1)"
    )
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert caught.value.sqlstate == "23503"
    assert database.versions() == []
    assert database.rows("SELECT to_regclass('c')") == [(None,)]
    assert database.events() == [("failed", 1)]


def test_migration_that_drops_ledger_fails_whole(database):
    text = "CREATE TABLE x (); DROP TABLE applied_migrations"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert "writes to public.applied_migrations" in caught.value.message
    assert database.rows("SELECT to_regclass('x')") == [(None,)]
    assert database.versions() == []


def test_to_stops_at_version_and_gaps_below_it_run(database):
    pgbraid.load({"102_b.sql": "SELECT 1"}).up(database.conninfo)
    files = {
        "101_a.sql": "SELECT 1",
        "102_b.sql": "SELECT 1",
        "103_c.sql": "SELECT 1",
        "104_d.sql": "SELECT 1",
    }
    report = pgbraid.load(files).up(database.conninfo, to=103)
    assert versions_and_gaps(report) == [(101, True), (103, False)]
    assert [s.migration.version for s in report.above_target] == [104]


@pytest.mark.parametrize("options", [{"to": 7}, {"not_applied": [7]}])
def test_unknown_version_is_usage_error(database, options):
    with pytest.raises(ConfigError, match="7: no migration has that version"):
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, **options)


def test_problems_of_files_and_database_come_in_one_list_before_anything_runs(database):
    pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"}).up(database.conninfo)
    files = {
        "1_renamed.sql": "SELECT 1",
        "2_b.sql": "SELECT 3",
        "3_c.sql": "COMMIT",
        "4_d.sql": "\\i x",
        "5_e.sql": "SELECT 1",
        "5_f.sql": "SELECT 1",
        "6_g.sql": b"\xff",
    }
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(files).up(database.conninfo)
    assert sorted(p.code for p in caught.value.problems) == [
        "duplicate_version",
        "invalid_utf8",
        "meta_command",
        "modified",
        "renamed",
        "transaction_control",
    ]
    assert database.versions() == [1, 2]


def test_texts_that_are_applied_already_are_not_refused(database):
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    database.run("UPDATE applied_migrations SET checksum = NULL")
    assert pgbraid.load({"1_a.sql": "COMMIT"}).up(database.conninfo).previously_applied == 1


def test_run_without_work_sends_one_query_and_writes_nothing(database, role):
    """A role that may only read runs it, on a database that forbids DDL."""
    migrator = pgbraid.load(THREE)
    migrator.up(database.conninfo)
    database.run(f"GRANT SELECT ON applied_migrations TO {role}")
    database.extend("pg_stat_statements")
    database.run(
        "CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql"
        " AS 'BEGIN RAISE EXCEPTION $$no DDL$$; END';"
        "CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION no_ddl()"
    )
    database.run(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    try:
        assert migrator.up(database.as_role(role)).previously_applied == 3
        assert migrator.check(database.as_role(role)).ok
    finally:
        database.run("DROP EVENT TRIGGER no_ddl")


def test_files_in_memory_or_removed_since_do_not_stop_run(database):
    pgbraid.load(THREE).up(database.conninfo)
    report = pgbraid.load(GAP_FILE).up(database.conninfo)
    assert versions_and_gaps(report) == [(103, True)]
    assert [p.code for p in report.warnings] == ["missing_file"]
    assert report.warnings[0].versions == (101, 102, 104)


def test_old_server_is_refused(database, monkeypatch):
    monkeypatch.setattr("pgbraid.postgres.client.server_requirements._OLDEST_SERVER", 990000)
    with pytest.raises(TargetRefused, match="pgbraid needs"):
        pgbraid.load(THREE).up(database.conninfo)
    assert database.value("SELECT to_regclass('applied_migrations')") is None


def test_file_changed_during_run_stops_run(database, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELECT 2")
    migrator = folder.load()

    def edit(event):
        if type(event).__name__ == "Started" and event.index == 1:
            folder.write(_2_b="DROP TABLE users")

    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo, on_event=edit)
    assert [(p.code, p.location.file) for p in caught.value.problems] == [
        ("changed_during_run", str(folder.path / "2_b.sql"))
    ]
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert database.versions() == [1]


def test_run_that_waited_detects_another_applied_text(database, holder):
    def meanwhile(event):
        if isinstance(event, WaitingForLock):
            holder.execute(
                "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT now(), checksum text);"
                " INSERT INTO applied_migrations (version, name, checksum)"
                f" VALUES (1, 'a', '{'0' * 64}')"
            )
            holder.close()

    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, on_event=meanwhile)
    assert [p.code for p in caught.value.problems] == ["modified"]


def test_to_version_of_two_files_is_no_usage_error(database):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "01_b.sql": "SELECT 1"})
    with pytest.raises(ProblemsFound, match="problem"):
        migrator.up(database.conninfo, to=1)


def test_mixed_line_ends_above_megabyte_are_no_drift(database):
    text = "-- x\r\n" * 90_000 + "-- y\n" * 120_000 + "SELECT 1;\n"
    assert len(text) > 1_048_576
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    migrator = pgbraid.load({"1_a.sql": text.replace("\r\n", "\n")})
    assert migrator.check(database.conninfo).problems == ()


def test_text_of_exception_has_detail_and_hint(database):
    files = {"1_a.sql": "COMMIT", "2_b.sql": "\\i x"}
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(files).up(database.conninfo)
    assert str(caught.value).splitlines() == [
        "2 problems found; nothing was run",
        "1_a.sql:1:1: COMMIT inside a migration",
        "2_b.sql:1:1: psql meta-command \\i is not SQL and cannot run here",
    ]
    assert not pgbraid.load({}).status(database.conninfo).count("applied")
