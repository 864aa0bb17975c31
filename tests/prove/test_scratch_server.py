"""A scratch server of others stays unchanged; a missing object on it is no verdict."""

import psycopg
import pytest

import pgbraid
from pgbraid.model.proof import Verdict

TABLE = "CREATE TABLE t (id int);"
OTHER = "CREATE TABLE o (id int);"


@pytest.fixture
def others(server, monkeypatch):
    """A connection to the scratch server, on which another user has a role."""
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("CREATE ROLE pgbraid_others_role")
        conn.execute("COMMENT ON ROLE pgbraid_others_role IS 'theirs'")
        yield conn
        conn.execute("REVOKE ALL ON DATABASE postgres FROM pgbraid_others_role")
        conn.execute("DROP ROLE IF EXISTS pgbraid_others_role, pgbraid_others_new")


def shared(conn):
    return conn.execute(
        "SELECT rolname, rolcreatedb, shobj_description(oid, 'pg_authid') FROM pg_roles"
        " WHERE rolname LIKE 'pgbraid_others%' ORDER BY 1"
    ).fetchall()


def prove(folder):
    return folder.load(settings=False).prove(history=[1, 3, 2])


@pytest.mark.parametrize(
    "change",
    [
        "CREATE ROLE pgbraid_others_new",
        "CREATE /* x */ ROLE pgbraid_others_new",
        "SELECT '--'; CREATE ROLE pgbraid_others_new",
        "DO $$ BEGIN EXECUTE 'create /* */ role pgbraid_others_new'; END $$",
        "COMMENT ON ROLE pgbraid_others_role IS 'ours'",
        "ALTER ROLE pgbraid_others_role CREATEDB",
        "ALTER ROLE pgbraid_others_role PASSWORD 'x'",
        "ALTER ROLE pgbraid_others_role SET work_mem = '1MB'",
        "DROP ROLE pgbraid_others_role",
        "GRANT pg_monitor TO pgbraid_others_role",
        "GRANT CONNECT ON DATABASE postgres TO pgbraid_others_role",
        "DO $$ BEGIN IF current_setting('server_version_num')::int >= 150000 THEN EXECUTE"
        " 'GRANT SET ON PARAMETER log_statement TO pgbraid_others_role'; ELSE"
        " CREATE ROLE pgbraid_others_new; END IF; END $$",
        "COMMENT ON DATABASE postgres IS 'ours'",
        "SELECT pg_replication_origin_create('pgbraid_others_origin')",
        "-- pgbraid: no-transaction\nALTER SYSTEM SET work_mem = '77MB'",
        "-- pgbraid: no-transaction\nCREATE DATABASE pgbraid_others_database",
        "-- pgbraid: no-transaction\nCREATE ROLE pgbraid_others_new",
        f"{'-- a long file' * 90_000}\nCREATE ROLE pgbraid_others_new",
    ],
    ids=lambda change: change[-60:],
)
def test_server_of_others_is_left_as_it_was(folder, others, change):
    before = shared(others)
    folder.write(_001_t=TABLE, _002_change=f"{change};", _003_o=OTHER)
    with pytest.raises(pgbraid.ConfigError, match="002_change changes what the databases of"):
        prove(folder)
    assert shared(others) == before
    scratch_databases = "SELECT datname FROM pg_database WHERE datname LIKE 'pgbraid_scratch%'"
    assert others.execute(scratch_databases).fetchall() == []


def test_parameter_that_is_revoked_is_change_of_server(folder, others):
    """REVOKE keeps no lock, and its own session does not see the deleted row."""
    if others.info.server_version < 150000:
        pytest.skip("privileges on parameters come with 15")
    others.execute("GRANT SET ON PARAMETER log_statement TO pgbraid_others_role")
    try:
        change = "REVOKE SET ON PARAMETER log_statement FROM pgbraid_others_role;"
        folder.write(_001_t=TABLE, _002_change=change, _003_o=OTHER)
        with pytest.raises(pgbraid.ConfigError, match="002_change changes what the databases of"):
            prove(folder)
        query = "SELECT has_parameter_privilege('pgbraid_others_role', 'log_statement', 'SET')"
        assert others.execute(query).fetchone() == (True,)
    finally:
        others.execute("REVOKE SET ON PARAMETER log_statement FROM pgbraid_others_role")


@pytest.mark.parametrize(
    "change",
    [
        "DO $$ BEGIN CREATE ROLE pgbraid_others_new; COMMIT; END $$",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'CREATE ROLE pgbraid_others_new'; COMMIT; END $$; CALL p()",
    ],
    ids=["do", "call"],
)
def test_change_of_server_that_migration_commits_is_reported_without_verdict(
    folder, others, change
):
    text = f"-- pgbraid: no-transaction\n{change};"
    folder.write(_001_t=TABLE, _002_change=text, _003_o=OTHER)
    with pytest.raises(pgbraid.ConfigError, match="002_change changes what the data") as caught:
        prove(folder)
    assert "role pgbraid_others_new" in caught.value.detail
    assert "has committed" in caught.value.detail
    assert ("pgbraid_others_new",) in [row[:1] for row in shared(others)]


def test_migration_that_commits_rows_is_replayed_on_server_of_others(folder, others):
    text = "-- pgbraid: no-transaction\nDO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$;"
    folder.write(_001_t=TABLE, _002_rows=text, _003_o=OTHER)
    assert prove(folder).verdict is Verdict.SAME


@pytest.mark.parametrize(
    "innocent",
    [
        "COMMENT ON TABLE t IS 'filled when we create user accounts, grant access to owners only'",
        "COMMENT ON TABLE t IS 'used when you drop user rows, alter system settings'",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'CREATE ROLE x' $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = %L',"
        " current_database(), '7MB'); END $$",
        "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L',"
        " current_database(), 'x'); END $$",
        "GRANT SELECT ON t TO pgbraid_others_role",
    ],
)
def test_words_in_text_are_no_change_of_server(folder, others, innocent):
    folder.write(_001_t=TABLE, _002_words=f"{innocent};", _003_o=OTHER)
    assert prove(folder).verdict is Verdict.SAME


def test_role_that_server_lacks_is_no_verdict(folder, others, cli, tmp_path):
    folder.write(_001_t=TABLE, _002_o=OTHER, _003_grant="GRANT SELECT ON t TO nobody_knows_it;")
    assert prove(folder).verdict is Verdict.NOT_REPLAYED
    (tmp_path / "history.json").write_text("[1, 3, 2]")
    cli.env["PGBRAID_SCRATCH_URL"] = others.info.dsn
    answer = cli("prove", "--history", "history.json", code=4)
    assert answer.out.startswith("not replayed: the migrations cannot be replayed here; nothing")
    assert 'role "nobody_knows_it" does not exist' in answer.out
    assert "version above" not in answer.out


def test_extension_that_server_lacks_is_no_verdict(folder, others, database):
    folder.write(_001_t=TABLE, _002_o=OTHER, _003_ext="CREATE EXTENSION nobody_knows_it;")
    assert prove(folder).verdict is Verdict.NOT_REPLAYED


def test_migration_that_fails_in_every_order_is_to_be_corrected(folder, cli, tmp_path, database):
    folder.write(_001_t=TABLE, _002_o="SELECT 1 / 0;", _003_ext=OTHER)
    (tmp_path / "history.json").write_text("[1, 3, 2]")
    answer = cli("prove", "--history", "history.json", code=4)
    assert "Fix its\nfile" in answer.out
    assert "--scratch" not in answer.out


def test_objects_of_template_database_are_not_compared(folder, others, server):
    conninfo = psycopg.conninfo.make_conninfo(server, dbname="template1")
    with psycopg.connect(conninfo, autocommit=True) as template:
        template.execute("CREATE TABLE t (added_by_others int)")
        folder.write(_001_t=TABLE, _002_o=OTHER, _003_x="ALTER TABLE t ADD x int;")
        try:
            assert prove(folder).verdict is Verdict.SAME
        finally:
            template.execute("DROP TABLE t")


def test_rows_that_row_security_hides_are_not_compared(folder, others, server, role, monkeypatch):
    others.execute(f"ALTER ROLE {role} CREATEDB")
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", f"{server} user={role}")
    folder.write(
        _001_t="CREATE TABLE t (a int);",
        _002_policy="ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE t FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY p ON t USING (a > 1) WITH CHECK (true);",
        _003_rows="INSERT INTO t VALUES (1);",
    )
    proof = prove(folder)
    assert proof.verdict is Verdict.SAME
    assert "public.t: its rows, row security hides some from this role" in proof.not_compared


def test_login_trigger_does_not_block_reading_of_result(folder, scratch, programs, monkeypatch):
    if scratch.conn.info.server_version < 170000:
        pytest.skip("there are triggers on login from 17 on")
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    folder.write(
        _001_f="CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'no entry'; END $$;",
        _002_o=OTHER,
        _003_login="CREATE EVENT TRIGGER e ON login EXECUTE FUNCTION f();",
    )
    assert prove(folder).verdict is Verdict.SAME
