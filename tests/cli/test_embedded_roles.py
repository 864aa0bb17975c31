"""``up --embedded``: the roles that migrations expect, and a role that is no superuser."""

import pytest

GRANT = "CREATE TABLE t (i int);\nGRANT SELECT ON t TO app;"
MANAGED = """DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN
    CREATE ROLE app; END IF; END $$;
ALTER ROLE app NOSUPERUSER NOBYPASSRLS;
"""


@pytest.fixture
def embedded(program, programs):
    def run(*words, code=0):
        return program(*words, env={"PGBRAID_PG_BIN": programs}, code=code)

    return run


@pytest.mark.parametrize("words", [(), ("--role", "deploy")])
def test_role_that_migrations_expect_is_created_and_named(folder, embedded, words):
    folder.write(_001_a=GRANT, _002_b="GRANT INSERT ON t TO app, other;")
    answer = embedded("up", "--embedded", *words)
    assert "2 migrations applied" in answer.out
    assert "created the role app, because 001_a expects it" in answer.err
    assert "created the role other, because 002_b expects it" in answer.err


def test_role_that_migrations_create_is_not_created_for_them(folder, embedded):
    folder.write(_001_a="CREATE TABLE t (i int); CREATE ROLE app; GRANT SELECT ON t TO app;")
    assert "created the role" not in embedded("up", "--embedded").err


def test_role_is_created_once_in_folder_that_is_kept(folder, embedded):
    folder.write(_001_a=GRANT)
    assert "created the role app" in embedded("up", "--embedded", "kept").err
    folder.write(_002_b="CREATE TABLE b (i int); GRANT SELECT ON b TO app;")
    assert "created the role" not in embedded("up", "--embedded", "kept").err


def test_role_given_on_command_line_owns_database_and_is_no_superuser(folder, embedded):
    folder.write(
        _001_a="CREATE SCHEMA s; CREATE TABLE t (i int); CREATE EXTENSION IF NOT EXISTS plpgsql;"
    )
    embedded("up", "--embedded", "kept", "--role", "deploy")
    text = embedded("snapshot", "--embedded", "kept").out
    assert "[table public.t]\ncolumns = i\nowner = deploy" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MANAGED, "permission denied to create role"),
        ("COPY (SELECT 1) TO PROGRAM 'cat';", "permission denied to COPY to or from an external"),
        ("ALTER SYSTEM SET work_mem = '7MB';", "permission denied"),
        ("CREATE TABLE t (i int); ALTER TABLE t OWNER TO postgres;", "must be"),
    ],
)
def test_statements_that_managed_servers_refuse_fail_for_plain_role(
    folder, embedded, text, message
):
    head = "-- pgbraid: no-transaction\n" if "SYSTEM" in text else ""
    folder.write(_001_a=head + text)
    answer = embedded("up", "--embedded", "--role", "deploy", code=3)
    assert message in answer.err or "must be " in answer.err
