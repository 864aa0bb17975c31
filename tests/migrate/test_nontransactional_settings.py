"""Session settings and roles of a file outside a transaction."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import pgbraid
from pgbraid import Limits, MigrationFailed, ProblemsFound
from tests.fixtures.interruption import call_after
from tests.fixtures.nontransactional import HEAD, lines, load


def test_role_that_file_drops_again_does_not_stop_it(big):
    name = "pgbraid_hostile_gone"
    text = HEAD + (
        f"CREATE ROLE {name}; GRANT ALL ON SCHEMA public TO {name}; SET ROLE {name};"
        f"SELECT 1; RESET ROLE; DROP OWNED BY {name}; DROP ROLE {name}; VACUUM big"
    )
    try:
        report = pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    finally:
        if big.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", name):
            big.run(f"DROP OWNED BY {name}; DROP ROLE {name}")
    assert len(report.applied) == 1


def test_retry_outside_transaction_is_not_run_as_files_role(big, role):
    big.run(f"ALTER TABLE big OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}")
    text = f"-- pgbraid: no-transaction lock-timeout=300ms\nSET ROLE {role}; VACUUM FULL big"
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        with call_after(1.5, reader.rollback):
            report = pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert len(report.applied) == 1


def test_statement_timeout_holds_outside_transaction(big):
    big.run("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(4); END'")
    with pytest.raises(MigrationFailed, match="statement timeout"):
        pgbraid.load({"1_a.sql": HEAD + "CALL p()"}, limits=Limits(statement_timeout=0.3)).up(
            big.conninfo
        )


@pytest.mark.parametrize("with_role", [False, True])
def test_options_of_environment_hold_with_role_too(big, cli, folder, role, with_role):
    big.run(f"CREATE SCHEMA app; GRANT ALL ON SCHEMA app, public TO {role}")
    folder.write(_1_a="CREATE TABLE here ()")
    target = conninfo_to_dict(big.conninfo)
    url = make_conninfo(**{k: target[k] for k in ("host", "port", "user", "dbname")})
    env = {"PGOPTIONS": "-c search_path=app", "PGBRAID_DATABASE_URL": url}
    cli("up", *(("--role", role) if with_role else ()), env=env, code=0)
    assert big.value("SELECT to_regclass('app.here')") is not None


def test_settings_of_every_kind_hold(big, role):
    big.run(
        f"CREATE SCHEMA app; GRANT ALL ON SCHEMA app, public TO {role}; CREATE TABLE log (s text);"
        f"GRANT ALL ON log TO {role}"
    )
    text = (
        HEAD
        + f"""
SET TIME ZONE 'Asia/Tokyo'; SET SESSION AUTHORIZATION {role};
SET search_path = nowhere, app, public;
SET LOCAL x.y = 'local';
INSERT INTO log VALUES (current_setting('TimeZone')), (current_user),
    (current_setting('x.y', true));
CREATE TABLE t (n int); CREATE INDEX CONCURRENTLY i ON t (n);
RESET SESSION AUTHORIZATION; RESET ALL;
INSERT INTO log VALUES (current_user = '{role}'), (current_setting('search_path'));
CREATE SCHEMA nowhere; SET search_path = nowhere; CREATE TABLE u (); VACUUM u
"""
    )
    pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    logged = [r for (r,) in big.rows("SELECT s FROM log")]
    assert logged[:2] == ["Asia/Tokyo", role]
    assert logged[2] in (None, "")
    assert logged[3:] == ["false", '"$user", public']
    assert big.value(
        "SELECT to_regclass('app.i') IS NOT NULL AND to_regclass('nowhere.u') IS NOT NULL"
    )
    assert (
        big.value("SELECT relowner::regrole::text FROM pg_class WHERE oid = 'app.t'::regclass")
        == role
    )


def test_set_config_is_refused_before_run(big):
    big.run("CREATE SCHEMA app")
    text = HEAD + "SELECT set_config('search_path', 'app', false); CREATE TABLE t ()"
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["setting_lost"]
    assert big.rows("SELECT oid::regclass FROM pg_class WHERE relname = 't'") == []


def test_file_with_wrong_last_setting_is_not_applied(big):
    with pytest.raises(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": HEAD + "VACUUM big; SET work_mem = 'nonsense'"}).up(big.conninfo)


def test_synchronous_commit_off_of_database_does_not_hold(big):
    big.run(
        "ALTER DATABASE "
        + conninfo_to_dict(big.conninfo)["dbname"]
        + " SET synchronous_commit = off"
    )
    big.run("CREATE TABLE log (s text)")
    text = HEAD + "INSERT INTO log VALUES (current_setting('synchronous_commit')); CALL p()"
    big.run(
        "CREATE PROCEDURE p() LANGUAGE sql AS"
        " $$INSERT INTO log VALUES (current_setting('synchronous_commit'))$$"
    )
    pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert big.rows("SELECT s FROM log") == [("on",), ("on",)]


def test_setting_of_transaction_does_not_make_statement_run_outside_one(database):
    database.run("CREATE TABLE log (n int)")
    text = HEAD + "SET transaction_deferrable = on; INSERT INTO log VALUES (1)"
    with pytest.raises(MigrationFailed, match="must be called before any query"):
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert lines(database) == [("started", None), ("failed", 2)]
    assert database.rows("SELECT n FROM log") == []
    assert database.versions() == []


def test_requested_role_is_restored_after_every_migration(big, cli, folder, role):
    big.run(f"GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON big TO {role}")
    folder.write(
        _1_a="SET ROLE NONE; CREATE TABLE a ()",
        _2_b="CREATE TABLE b ()",
        _3_c=HEAD
        + "SET SESSION AUTHORIZATION postgres; CREATE TABLE c (); RESET SESSION AUTHORIZATION;"
        " RESET ALL; CREATE TABLE d (); VACUUM d",
        _4_d="CREATE TABLE e ()",
    )
    answer = cli("up", "--role", role)
    assert answer.code == 0, answer.err
    owners = big.rows(
        "SELECT relname, relowner::regrole::text FROM pg_class"
        " WHERE relname = ANY ('{a,b,c,d,e,applied_migrations}') ORDER BY 1"
    )
    assert owners == [
        ("a", "postgres"),
        ("applied_migrations", role),
        ("b", role),
        ("c", "postgres"),
        ("d", role),
        ("e", role),
    ]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "SET app.mode = 'x'; SELECT 1; RESET app.mode;"
            "CREATE TABLE log AS SELECT nullif(current_setting('app.mode', true), '') AS s",
            "SELECT s IS NULL FROM log",
        ),
        (
            "SET SCHEMA 'app'; CREATE TABLE one (); RESET search_path; CREATE TABLE two ()",
            "SELECT to_regclass('public.two') IS NOT NULL AND to_regclass('app.one') IS NOT NULL",
        ),
    ],
)
def test_reset_restores_setting(database, text, question):
    database.run("CREATE SCHEMA app")
    load(text).up(database.conninfo)
    assert database.value(question)


def test_setting_of_dropped_role_stops_no_completed_file(big, role):
    big.run(f"GRANT ALL ON SCHEMA public TO {role}; ALTER TABLE big OWNER TO {role}")
    new = f"{role}_new"
    text = (
        f"CREATE ROLE {new}; GRANT ALL ON SCHEMA public TO {new}; ALTER TABLE big OWNER TO {new};"
        f"SET ROLE {new}; CREATE INDEX CONCURRENTLY one ON big (a); RESET ROLE;"
        f"ALTER TABLE big OWNER TO {role}; DROP OWNED BY {new}; DROP ROLE {new}"
    )
    assert len(load(text).up(big.conninfo).applied) == 1


def test_update_of_settings_is_refused(database):
    text = "UPDATE pg_settings SET setting = 'app' WHERE name = 'search_path'; CREATE TABLE t ()"
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(text).up(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["setting_lost"]


def test_settings_hold_for_later_statements_after_interruption(database):
    text = HEAD + (
        "SET search_path = app; CREATE TABLE t (n int); CREATE INDEX CONCURRENTLY i ON t (n);"
        "RESET search_path; SELECT 1 / count(*) FROM gate; CREATE TABLE u ();"
    )
    database.run("CREATE SCHEMA app; CREATE TABLE gate ()")
    migrator = pgbraid.load({"1_a.sql": text})
    with pytest.raises(MigrationFailed):
        migrator.up(database.conninfo)
    database.run("INSERT INTO gate DEFAULT VALUES")
    migrator.up(database.conninfo)
    assert database.value("SELECT to_regclass('app.i') IS NOT NULL")
    assert database.value("SELECT to_regclass('public.u') IS NOT NULL")
