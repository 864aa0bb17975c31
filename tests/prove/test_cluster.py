"""``prove --cluster``: roles, memberships and settings of the server after both orders."""

import json

import pytest

ROLES = "CREATE ROLE owners; CREATE ROLE app PASSWORD 'hunter1'; CREATE TABLE t (i int);"


def on_database(text):
    """Return a statement about the database that runs it."""
    return f"DO $$ BEGIN EXECUTE format('{text}', current_database()); END $$;"


@pytest.fixture
def prove(folder, program, programs, tmp_path):
    """Prove ``101, 104, 103`` on an embedded server, with ``--cluster``; return the answer."""

    def run(second, first, code=1, words=("--cluster",), start=ROLES, env=None):
        folder.write(_101_roles=start, _103_first=first, _104_second=second)
        (tmp_path / "history.json").write_text(json.dumps([101, 104, 103]))
        given = {"PGBRAID_PG_BIN": programs} if env is None else env
        return program("prove", "--history", "history.json", *words, env=given, code=code)

    return run


@pytest.mark.parametrize(
    ("second", "first", "shown"),
    [
        (
            "ALTER ROLE app CREATEDB CONNECTION LIMIT 5;",
            "ALTER ROLE app NOCREATEDB CONNECTION LIMIT 7;",
            "role app\n"
            "    as recorded: create database false\n"
            "    by version:  create database true\n"
            "    as recorded: connection limit 7\n"
            "    by version:  connection limit 5\n",
        ),
        (
            "COMMENT ON ROLE app IS 'b';",
            "COMMENT ON ROLE app IS 'a';",
            "role app\n    as recorded: comment a\n    by version:  comment b\n",
        ),
        (
            "CREATE ROLE reader;",
            "DROP ROLE IF EXISTS reader;",
            "role reader  (only by version)\n",
        ),
        (
            "GRANT owners TO app WITH ADMIN OPTION;",
            "GRANT owners TO app; REVOKE ADMIN OPTION FOR owners FROM app;",
            "membership of role app in role owners\n"
            "    as recorded: admin option false\n"
            "    by version:  admin option true\n",
        ),
        (
            "ALTER ROLE app SET work_mem = '64MB';",
            "ALTER ROLE app SET work_mem = '32MB';",
            "setting work_mem of role app\n"
            "    as recorded: value 32MB\n"
            "    by version:  value 64MB\n",
        ),
        (
            "ALTER DATABASE postgres SET work_mem = '64MB';",
            "ALTER DATABASE postgres RESET work_mem;",
            "setting work_mem of database postgres  (only by version)\n    value: 64MB\n",
        ),
        (
            on_database("COMMENT ON DATABASE %I IS ''b''"),
            on_database("COMMENT ON DATABASE %I IS ''a''"),
            "the database\n    as recorded: comment a\n    by version:  comment b\n",
        ),
        (
            on_database("GRANT CREATE ON DATABASE %I TO app"),
            on_database("REVOKE CREATE ON DATABASE %I FROM app"),
            "app=C/postgres",
        ),
    ],
    ids=["role", "comment", "new", "member", "setting", "database", "comment_of_db", "grant"],
)  # fmt: skip
def test_difference_of_server_is_shown_and_its_pair_named(prove, second, first, shown):
    answer = prove(second, first)
    assert answer.out.startswith("different: ")
    assert shown in answer.out
    assert "104_second and 103_first do not commute: " in answer.out
    assert "Smallest example: these two" in answer.out


def test_objects_of_server_are_compared_only_on_request(prove):
    second, first = "ALTER ROLE app LOGIN;", "ALTER ROLE app NOLOGIN;"
    answer = prove(second, first, words=(), code=0)
    assert answer.out.startswith("same: both orders end with the same schema and rows.")


def test_equal_objects_of_server_are_same(prove):
    answer = prove("CREATE ROLE b; GRANT owners TO b;", "CREATE ROLE c; GRANT c TO app;", code=0)
    assert answer.out.startswith(
        "same: both orders end with the same schema, rows and objects of the server."
    )
    document = prove("SELECT 1;", "SELECT 2;", code=0, words=("--cluster", "--json")).json
    assert document["cluster"] is True
    assert prove("SELECT 1;", "SELECT 2;", code=0, words=("--json",)).json["cluster"] is False


def test_setting_compares_server_too(prove, tmp_path):
    (tmp_path / "pgbraid.toml").write_text("cluster = true\n")
    answer = prove("ALTER ROLE app LOGIN;", "ALTER ROLE app NOLOGIN;", words=())
    assert "    as recorded: login false\n" in answer.out


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_passwords_are_not_shown(prove, words):
    md5 = "md5" + "0" * 32
    answer = prove(
        f"ALTER ROLE app PASSWORD '{md5}'; ALTER ROLE app SET app.jwt_secret = 'hunter2';",
        "ALTER ROLE app PASSWORD NULL; ALTER ROLE app SET app.jwt_secret = 'hunter3';",
        words=("--cluster", *words),
    )
    for secret in ("hunter", "SCRAM", md5):
        assert secret not in answer.out
    if not words:
        shown = "password of role app\n    as recorded: value none\n    by version:  value set\n"
        assert shown in answer.out
        assert "setting app.jwt_secret of role app\n    as recorded: value ******** (" in answer.out


def test_other_password_is_not_compared(prove):
    prove("ALTER ROLE app PASSWORD 'x';", "ALTER ROLE app PASSWORD 'y';", code=0)


def test_option_of_membership_is_restored_between_replays(prove, scratch):
    if int(scratch.version.partition(".")[0]) < 16:
        pytest.skip("PostgreSQL 16 added the options INHERIT and SET")
    start = f"{ROLES} GRANT owners TO app;"
    answer = prove(
        "GRANT owners TO app WITH INHERIT FALSE;",
        "GRANT owners TO app WITH INHERIT TRUE;",
        start=start,
    )
    assert (
        "    as recorded: inherit option true\n    by version:  inherit option false" in answer.out
    )
    prove("GRANT owners TO app WITH SET FALSE;", "SELECT 1;", start=start, code=0)


def test_role_without_privileges_of_superuser_can_be_compared(prove, tmp_path):
    (tmp_path / "pgbraid.toml").write_text("cluster = true\nrole = 'deployer'\n")
    answer = prove(
        "ALTER ROLE deployer SET work_mem = '64MB';",
        "ALTER ROLE deployer SET work_mem = '32MB';",
        start="CREATE TABLE t (i int);",
        words=(),
    )
    assert "setting work_mem of role deployer\n" in answer.out
    assert "104_second and 103_first do not commute: " in answer.out


def test_shared_server_says_why_it_cannot_compare(prove, server):
    env = {"PGBRAID_SCRATCH_URL": server}
    answer = prove("SELECT 1;", "SELECT 2;", start="SELECT 0;", env=env, code=0)
    assert "both orders end with the same schema and rows" in answer.out
    assert "roles, memberships and settings of the server: " in answer.out
    assert "migrations must not change them there" in answer.out
    words = ("--cluster", "--json")
    document = prove("SELECT 1;", "SELECT 2;", start="SELECT 0;", env=env, code=0, words=words).json
    assert document["cluster"] is False
    assert document["complete"] is False
