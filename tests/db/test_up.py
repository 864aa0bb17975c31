import hashlib

import psycopg
import pytest

import pgbraid
from pgbraid.model.errors import (
    ConfigError,
    MigrationFailed,
    ProblemsFound,
    ServerError,
    TargetRefused,
)
from pgbraid.model.events import WaitingForLock

THREE = {
    "101_users.sql": "CREATE TABLE users (id int)",
    "102_orders.sql": "CREATE TABLE orders (id int)",
    "104_index.sql": "CREATE INDEX ON orders (id)",
}
LATE = {"103_email.sql": "ALTER TABLE users ADD email text"}


def applied(report):
    return [(o.migration.version, o.gap) for o in report.applied]


def test_the_incident(database):
    assert applied(pgbraid.load(THREE).up(database.conninfo)) == [
        (101, False),
        (102, False),
        (104, False),
    ]
    report = pgbraid.load(THREE | LATE).up(database.conninfo)
    assert applied(report) == [(103, True)]
    assert report.previously_applied == 3
    assert database.versions() == [101, 102, 103, 104]
    assert database.rows("SELECT email FROM users") == []


def test_a_second_run_does_nothing(database):
    braid = pgbraid.load(THREE)
    braid.up(database.conninfo)
    report = braid.up(database.conninfo)
    assert (report.applied, report.previously_applied, report.run_id) == ((), 3, None)


def test_the_tracker_is_the_contracts(database):
    pgbraid.load(THREE).up(database.conninfo)
    columns = database.rows(
        "SELECT column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_name = 'applied_migrations'"
        " ORDER BY ordinal_position"
    )
    assert columns == [
        ("version", "bigint", "NO", None),
        ("name", "text", "NO", None),
        ("applied_at", "timestamp with time zone", "NO", "now()"),
        ("checksum", "text", "YES", None),
    ]
    assert (
        database.value(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND conkey = '{1}'"
            " AND conrelid = 'applied_migrations'::regclass"
        )
        == 1
    )
    braid = pgbraid.load(THREE)
    assert database.rows("SELECT version, name, checksum FROM applied_migrations ORDER BY 1") == [
        (m.version, m.name, m.checksum) for m in braid.migrations.migrations
    ]


def test_the_journal_says_what_happened_in_order(database):
    pgbraid.load(THREE).up(database.conninfo)
    report = pgbraid.load(THREE | LATE).up(database.conninfo)
    rows = database.rows(
        "SELECT event, version, name, statement, run_id::text, role_name, application, checksum,"
        " duration > '0', happened_at > now() - interval '1 minute', detail"
        " FROM applied_migrations_journal ORDER BY id"
    )
    assert rows.pop(0)[:4] == ("created", None, None, None)
    assert [row[:4] for row in rows] == [
        ("applied", int(name[:3]), name[4:-4], text) for name, text in (THREE | LATE).items()
    ]
    last = rows[-1]
    (late,) = report.applied
    assert last[4] == report.run_id
    assert last[5:] == (
        "postgres",
        f"pgbraid/{pgbraid.__version__}",
        late.migration.checksum,
        True,
        True,
        {"gap": True},
    )
    assert len({row[4] for row in rows}) == 2


def test_a_text_above_a_megabyte_is_left_out_of_the_journal(database):
    text = "SELECT 1; -- " + "x" * 1_000_000
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    digest = hashlib.sha256(text.encode()).hexdigest()
    query = "SELECT statement, detail FROM applied_migrations_journal WHERE version = 1"
    assert database.rows(query) == [
        (None, {"statement": "left out, above 1 MB", "sha256_lf": digest})
    ]


@pytest.mark.parametrize(
    ("schema", "table"),
    [("app", "versions"), ('we"ird; DROP', "T'able %s {x}"), ("Groß", "größe"), ("a.b", "c.d")],
)
def test_schema_and_table_may_have_any_name(database, schema, table):
    braid = pgbraid.load(THREE, schema=schema, table=table)
    braid.up(database.conninfo)
    assert braid.check(database.conninfo).ok
    assert database.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema = %s ORDER BY 2",
        schema,
    ) == [(schema, table), (schema, f"{table}_journal")]


def test_the_schema_is_there_before_the_lock_is_asked_for(database):
    key = pgbraid.load(THREE, schema="app", lock_wait=0)
    with psycopg.connect(database.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (key.ledger.lock_key,))
        with pytest.raises(pgbraid.LockTimeout):
            key.up(database.conninfo)
    assert database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'app'") == 1
    assert database.value("SELECT to_regclass('app.applied_migrations')") is None


def test_each_migration_sees_the_roles_own_search_path(database, role):
    database.run(f"CREATE SCHEMA own AUTHORIZATION {role}; GRANT CREATE ON SCHEMA own TO {role}")
    database.run(f"ALTER ROLE {role} SET search_path = own")
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE here (id int)"}, schema="own")
    braid.up(database.as_role(role))
    assert database.value("SELECT to_regclass('own.here')::text") == "own.here"


def test_a_role_may_have_any_formats_and_limits(database, role):
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
    braid = pgbraid.load(files, schema="own")
    braid.up(database.as_role(role))
    assert braid.check(database.as_role(role)).ok
    assert database.rows("SELECT name FROM own.applied_migrations ORDER BY version") == [
        ("a",),
        ("é→",),
    ]
    row = braid.status(database.as_role(role)).rows[0]
    assert row.applied_at == database.value(
        "SELECT applied_at FROM own.applied_migrations WHERE version = 1"
    )


def test_a_failure_rolls_the_one_migration_back_and_keeps_those_before(database):
    braid = pgbraid.load(
        {
            "1_a.sql": "CREATE TABLE a (id int)",
            "2_b.sql": "CREATE TABLE b (id int); SELECT 1/0",
            "3_c.sql": "CREATE TABLE c (id int)",
        }
    )
    with pytest.raises(MigrationFailed) as caught:
        braid.up(database.conninfo)
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert caught.value.sqlstate == "22012"
    assert database.versions() == [1]
    assert database.rows("SELECT to_regclass('b'), to_regclass('c')") == [(None, None)]
    assert database.events() == [("applied", 1), ("failed", 2)]
    assert database.value(
        "SELECT detail FROM applied_migrations_journal WHERE event = 'failed'"
    ) == {"sqlstate": "22012", "message": "division by zero"}


def test_a_deferred_constraint_that_fails_at_commit_fails_the_migration(database):
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


def test_a_migration_that_drops_the_tracker_fails_whole(database):
    text = "CREATE TABLE x (); DROP TABLE applied_migrations"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert "writes to public.applied_migrations" in caught.value.message
    assert database.rows("SELECT to_regclass('x')") == [(None,)]
    assert database.versions() == []


def test_to_stops_at_a_version_and_gaps_below_it_run(database):
    pgbraid.load({"102_b.sql": "--"}).up(database.conninfo)
    files = {"101_a.sql": "--", "102_b.sql": "--", "103_c.sql": "--", "104_d.sql": "--"}
    report = pgbraid.load(files).up(database.conninfo, to=103)
    assert applied(report) == [(101, True), (103, False)]
    assert [s.migration.version for s in report.above_target] == [104]


@pytest.mark.parametrize("asked", [{"to": 7}, {"not_applied": [7]}])
def test_a_version_nobody_has_is_a_usage_error(database, asked):
    with pytest.raises(ConfigError, match="7: no migration has that version"):
        pgbraid.load({"1_a.sql": "--"}).up(database.conninfo, **asked)


def test_problems_of_files_and_database_come_in_one_list_before_anything_runs(database):
    pgbraid.load({"1_a.sql": "--", "2_b.sql": "SELECT 2"}).up(database.conninfo)
    files = {
        "1_renamed.sql": "--",
        "2_b.sql": "SELECT 3",
        "3_c.sql": "COMMIT",
        "4_d.sql": "\\i x",
        "5_e.sql": "--",
        "5_f.sql": "--",
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


def test_with_nothing_to_do_one_query_is_asked_and_nothing_written(database, role):
    """By a role that may only read, on a database that forbids DDL and logs every statement."""
    braid = pgbraid.load(THREE)
    braid.up(database.conninfo)
    database.run(f"GRANT SELECT ON applied_migrations TO {role}")
    database.extend("pg_stat_statements")
    database.run(
        "CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql"
        " AS 'BEGIN RAISE EXCEPTION $$no DDL$$; END';"
        "CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION no_ddl()"
    )
    database.run(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    try:
        assert braid.up(database.as_role(role)).previously_applied == 3
        assert braid.check(database.as_role(role)).ok
    finally:
        database.run("DROP EVENT TRIGGER no_ddl")


def test_existing_tables_are_found_by_a_look_not_by_ddl(database, role):
    """A role without CREATE can apply once the tables are there."""
    pgbraid.load({"1_a.sql": "--"}).up(database.conninfo)
    for table in ("applied_migrations", "applied_migrations_journal"):
        database.run(f"GRANT SELECT, INSERT ON {table} TO {role}")
    database.run(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}")
    braid = pgbraid.load({"1_a.sql": "--", "2_b.sql": "SELECT 1"})
    assert applied(braid.up(database.as_role(role))) == [(2, False)]


def test_a_role_without_rights_gets_the_servers_word(database, role):
    database.run(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}")
    with pytest.raises(ServerError) as caught:
        pgbraid.load(THREE).up(database.as_role(role))
    assert caught.value.sqlstate == "42501"
    assert "rights" in caught.value.hint


def test_a_table_of_that_name_that_is_no_tracker_is_refused(database):
    database.run("CREATE TABLE applied_migrations (version int, title text)")
    braid = pgbraid.load(THREE)
    for call in (braid.up, lambda conninfo: braid.unadopt(conninfo, [1])):
        with pytest.raises(ServerError, match="applied_migrations is not an applied set") as caught:
            call(database.conninfo)
        assert "version, name, applied_at, checksum" in caught.value.detail


def test_files_in_memory_or_removed_since_do_not_stop_a_run(database):
    pgbraid.load(THREE).up(database.conninfo)
    report = pgbraid.load(LATE).up(database.conninfo)
    assert applied(report) == [(103, True)]
    assert [p.code for p in report.warnings] == ["missing_file"]
    assert report.warnings[0].versions == (101, 102, 104)


def test_an_old_server_is_refused(database, monkeypatch):
    monkeypatch.setattr("pgbraid.postgres.client.server_requirements._OLDEST_SERVER", 990000)
    with pytest.raises(TargetRefused, match="pgbraid needs"):
        pgbraid.load(THREE).up(database.conninfo)
    assert database.value("SELECT to_regclass('applied_migrations')") is None


def test_a_view_in_the_trackers_place_is_not_read(database):
    """Its functions would run with the rights of whoever deploys."""
    database.run(
        "CREATE TABLE seen (); CREATE FUNCTION trap() RETURNS bigint LANGUAGE plpgsql AS"
        " 'BEGIN ALTER TABLE seen ADD COLUMN x int; RETURN 1; END';"
        "CREATE VIEW applied_migrations AS SELECT trap() AS version, 'a'::text AS name,"
        " now() AS applied_at, NULL::text AS checksum"
    )
    braid = pgbraid.load({"1_a.sql": "SELECT 1"})
    for call in (braid.up, braid.check, braid.plan, braid.status):
        with pytest.raises(pgbraid.PgbraidError, match="applied_migrations is not an applied set"):
            call(database.conninfo)
    assert (
        database.value(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'seen'::regclass AND attnum > 0"
        )
        == 0
    )


def test_rows_that_row_security_hides_are_an_error_not_a_gap(database, role):
    braid = pgbraid.load({"1_a.sql": "SELECT 1"})
    braid.up(database.conninfo)
    database.run(
        f"GRANT ALL ON applied_migrations, applied_migrations_journal TO {role};"
        "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY"
    )
    with pytest.raises(ServerError, match="row-level security"):
        braid.up(database.as_role(role))


def test_a_file_that_changes_under_a_run_stops_it_there(database, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELECT 2")
    braid = folder.load()

    def edit(event):
        if type(event).__name__ == "Started" and event.index == 1:
            folder.write(_2_b="DROP TABLE users")

    with pytest.raises(ProblemsFound) as caught:
        braid.up(database.conninfo, on_event=edit)
    assert [(p.code, p.location.file) for p in caught.value.problems] == [
        ("changed_during_run", str(folder.path / "2_b.sql"))
    ]
    assert [o.migration.version for o in caught.value.applied] == [1]
    assert database.versions() == [1]


def test_a_starter_that_waited_sees_that_the_other_applied_another_text(database, holder):
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


def test_to_a_version_that_two_files_have_is_no_usage_error(database):
    braid = pgbraid.load({"1_a.sql": "--", "01_b.sql": "--"})
    with pytest.raises(ProblemsFound, match="problem"):
        braid.up(database.conninfo, to=1)


def test_mixed_line_ends_above_a_megabyte_are_no_drift(database):
    text = "-- x\r\n" * 90_000 + "-- y\n" * 120_000 + "SELECT 1;\n"
    assert len(text) > 1_048_576
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    braid = pgbraid.load({"1_a.sql": text.replace("\r\n", "\n")})
    assert braid.check(database.conninfo).problems == ()


def test_the_rights_that_the_documents_name_are_enough(database, role):
    files = {"1_a.sql": "SELECT 1"}
    pgbraid.load(files).up(database.conninfo)
    database.run(f"GRANT SELECT ON applied_migrations TO {role}")
    reader = database.as_role(role)
    assert pgbraid.load(files).check(reader).ok
    (problem,) = pgbraid.load({"1_a.sql": "SELECT 2"}).check(reader).problems
    assert problem.code == "modified"
    database.run(
        f"GRANT INSERT, UPDATE, DELETE ON applied_migrations TO {role};"
        f"GRANT SELECT, INSERT ON applied_migrations_journal TO {role}"
    )
    braid = pgbraid.load(files | {"2_b.sql": "SELECT 2", "2_b.down.sql": "SELECT 3"})
    assert len(braid.up(reader).applied) == 1
    assert braid.undo(reader, 2)


def test_an_exceptions_text_says_what_a_log_needs(database):
    files = {"1_a.sql": "COMMIT", "2_b.sql": "\\i x"}
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(files).up(database.conninfo)
    assert str(caught.value).splitlines() == [
        "2 problems found; nothing was run",
        "1_a.sql:1:1: COMMIT inside a migration",
        "2_b.sql:1:1: psql meta-command \\i is not SQL and cannot run here",
    ]
    assert not pgbraid.load({}).status(database.conninfo).count("applied")
