"""The second of two tests sees nothing of what the first did to its database."""

import psycopg
import pytest

from pgbraid.testing.suite import Suite, SuiteOptions
from tests.fixtures.suites import migrator, names

KINDS = {
    "rows": ("INSERT INTO users (name) VALUES ('x')", "SELECT count(*) FROM users"),
    "sequences": (
        "SELECT nextval('users_id_seq'), nextval('users_id_seq')",
        "SELECT last_value, is_called FROM users_id_seq",
    ),
    "new table": ("CREATE TABLE other ()", "SELECT to_regclass('other')"),
    "dropped column": (
        "ALTER TABLE users DROP COLUMN age",
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND NOT attisdropped",
    ),
    "index": ("CREATE INDEX ON users (age)", "SELECT count(*) FROM pg_indexes"),
    "comment": (
        "COMMENT ON TABLE users IS 'x'",
        "SELECT obj_description('users'::regclass, 'pg_class')",
    ),
    "comment of the database": (
        "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''x''', current_database()); END $$",
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname = current_database()",
    ),
    "setting of the database": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''9MB''',"
        " current_database()); END $$",
        "SELECT current_setting('work_mem')",
    ),
    "search_path of the database": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = a, b',"
        " current_database()); END $$",
        "SELECT current_setting('search_path')",
    ),
    "grants on the database": (
        "DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC',"
        " current_database()); END $$",
        "SELECT datacl::text FROM pg_database WHERE datname = current_database()",
    ),
    "large objects": (
        "SELECT lo_from_bytea(0, 'abc')",
        "SELECT count(*) FROM pg_largeobject_metadata",
    ),
    "listening": ("LISTEN a; NOTIFY a", "SELECT count(*) FROM pg_listening_channels()"),
    "advisory locks": (
        "SELECT pg_advisory_lock(4711)",
        "SELECT pg_try_advisory_lock(4711)",
    ),
    "temporary tables": (
        "CREATE TEMP TABLE t ()",
        "SELECT count(*) FROM pg_class WHERE relpersistence = 't'",
    ),
    "prepared statements": (
        "PREPARE p AS SELECT 1",
        "SELECT count(*) FROM pg_prepared_statements",
    ),
    "extensions": (
        "DROP EXTENSION plpgsql CASCADE",
        "SELECT count(*) FROM pg_extension",
    ),
    "publications": (
        "SET client_min_messages = error; CREATE PUBLICATION p FOR TABLE users",
        "SELECT count(*) FROM pg_publication",
    ),
    "statistics": (
        "CREATE STATISTICS s ON id, age FROM users",
        "SELECT count(*) FROM pg_statistic_ext",
    ),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "SELECT count(*) FROM pg_default_acl",
    ),
    "event triggers": (
        "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE ''no''; END';"
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION e()",
        "SELECT count(*) FROM pg_event_trigger",
    ),
    "row security": (
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON users USING (false)",
        "SELECT relrowsecurity FROM pg_class WHERE oid = 'users'::regclass",
    ),
    "enum values": (
        "ALTER TYPE mood ADD VALUE 'new'",
        "SELECT enum_range(NULL::mood)::text",
    ),
    "disabled triggers": (
        "ALTER TABLE users DISABLE TRIGGER g",
        "SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'g'",
    ),
    "types": ("CREATE TYPE pair AS (a int, b int)", "SELECT to_regtype('pair')"),
    "schemas": ("CREATE SCHEMA s", "SELECT count(*) FROM pg_namespace WHERE nspname = 's'"),
    "applied set": (
        "DELETE FROM applied_migrations",
        "SELECT count(*) FROM applied_migrations",
    ),
    "casts": (
        "CREATE CAST (users AS text) WITH INOUT",
        "SELECT count(*) FROM pg_cast WHERE castsource = 'users'::regtype",
    ),
}
FILES = {
    "101_all.sql": "CREATE TABLE users (id serial PRIMARY KEY, name text, age int);"
    "CREATE TYPE mood AS ENUM ('ok');"
    "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER g BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION g();",
}


@pytest.fixture(scope="module")
def files():
    return migrator(FILES)


@pytest.mark.parametrize("kind", KINDS)
def test_second_test_sees_nothing_of_first(suite, files, kind):
    change, probe = KINDS[kind]
    first = suite.migrated(files)
    with first.connect(autocommit=True) as conn:
        fresh = conn.execute(probe).fetchall()
    left_open = psycopg.connect(first.dsn, autocommit=True)
    left_open.execute(change)
    if kind in {"listening", "advisory locks", "temporary tables", "prepared statements"}:
        again = left_open
    else:
        again = psycopg.connect(first.dsn, autocommit=True)
    changed = again.execute(probe).fetchall() != fresh
    assert changed or kind == "advisory locks"
    second = suite.migrated(files)
    with second.connect(autocommit=True) as conn:
        assert conn.execute(probe).fetchall() == fresh
    again.close()
    left_open.close()
    suite.give_back(first, kind)
    suite.give_back(second, kind)


SESSION = {
    "rows": KINDS["rows"],
    "settings": ("SET work_mem = '9MB'", "SELECT current_setting('work_mem')"),
    **{
        kind: KINDS[kind]
        for kind in ("advisory locks", "temporary tables", "prepared statements", "listening")
    },
    "table": KINDS["new table"],
    "role": ("SET ROLE pg_monitor", "SELECT current_user"),
}


@pytest.mark.parametrize("kind", SESSION)
def test_second_test_sees_nothing_of_first_on_connection_that_is_rolled_back(suite, files, kind):
    change, probe = SESSION[kind]
    conn = suite.begin(files)
    fresh = conn.execute(probe).fetchall()
    assert suite.end(files, kind)
    suite.begin(files).execute(change)
    assert suite.end(files, kind)
    assert suite.begin(files).execute(probe).fetchall() == fresh
    assert suite.end(files, kind)


def test_connection_that_is_rolled_back_makes_savepoints(suite, files):
    conn = suite.begin(files)
    with conn.transaction():
        conn.execute("INSERT INTO users (name) VALUES ('a')")
    with pytest.raises(psycopg.errors.UndefinedTable), conn.transaction():
        conn.execute("SELECT * FROM nothing")
    assert conn.execute("SELECT count(*) FROM users").fetchone() == (1,)
    conn.rollback()
    with conn.transaction():
        conn.execute("INSERT INTO users (name) VALUES ('b')")
    assert suite.end(files, "")
    assert suite.begin(files).execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert suite.end(files, "")


def test_clone_has_settings_grants_and_comment_that_migrations_gave_to_database(suite):
    text = """DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %1$I SET work_mem = ''9MB''', current_database());
      EXECUTE format('ALTER DATABASE %1$I SET search_path = "$user", "A b", public',
                     current_database());
      EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %1$I SET my.thing = ''{}%%''',
                     current_database());
      EXECUTE format('COMMENT ON DATABASE %1$I IS ''of %% {us}''', current_database());
      EXECUTE format('REVOKE TEMP ON DATABASE %1$I FROM PUBLIC', current_database());
      EXECUTE format('GRANT CREATE ON DATABASE %1$I TO pg_monitor', current_database());
    END $$"""
    with suite.migrated(migrator({"1_a.sql": text})).connect() as conn:
        assert conn.execute(
            "SELECT current_setting('work_mem'), current_setting('search_path'),"
            " current_setting('my.thing'), shobj_description(oid, 'pg_database'),"
            " has_database_privilege('pg_monitor', oid, 'CREATE'),"
            " (SELECT count(*) FROM aclexplode(datacl) WHERE grantee = 0 AND"
            "  privilege_type = 'TEMPORARY')"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone() == ("9MB", '"$user", "A b", public', "{}%", "of % {us}", True, 0)


COMMITTED = "INSERT INTO users (name) VALUES ('a'); COMMIT"


@pytest.mark.parametrize("ending", ["close", "rollback", "__exit__"])
def test_commit_by_text_is_noticed_however_test_ends_its_transaction(suite, files, ending):
    conn = suite.begin(files)
    conn.execute(COMMITTED)
    getattr(conn, ending)()
    assert not suite.end(files, ending)
    assert suite.begin(files).execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert suite.end(files, "")


@pytest.mark.parametrize("before", ["SELECT 1", COMMITTED])
def test_database_is_replaced_after_session_that_was_killed(suite, files, before, server):
    conn = suite.begin(files)
    conn.execute(before)
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        conn.execute("SELECT 1")
    assert suite.end(files, "")
    assert suite.begin(files).execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert suite.end(files, "")


@pytest.mark.parametrize("ending", ["close", "rollback", "__exit__"])
def test_database_stays_after_test_that_rolls_back(suite, files, ending):
    conn = suite.begin(files)
    name = conn.info.dbname
    getattr(conn, ending)()
    assert suite.end(files, "")
    assert suite.begin(files).info.dbname == name
    assert suite.end(files, "")


def test_session_of_suite_is_opened_again_after_test_that_ends_it(server):
    suite, files = Suite(SuiteOptions(server)), migrator()
    try:
        first, pid = suite.migrated(files), suite.server().conn.info.backend_pid
        with first.connect(autocommit=True) as conn:
            conn.execute("SELECT pg_terminate_backend(%s)", (pid,))
            while conn.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)).rowcount:
                pass
        suite.give_back(first, "")
        assert suite.public_server().create_database()
        suite.give_back(suite.before(files, 102), "")
    finally:
        suite.close()
    assert names(server, f"pgbraid\\_test\\_{suite.options.number}%") == []
