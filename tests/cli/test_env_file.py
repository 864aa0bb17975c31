"""`--env-file FILE` names the database in a file such as .env; nothing reads it otherwise."""

import pytest
from psycopg.conninfo import conninfo_to_dict


@pytest.fixture
def env_file(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / ".env"
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.mark.parametrize("name", ["PGBRAID_DATABASE_URL", "DATABASE_URL"])
def test_database_is_named_in_file(program, folder, database, env_file, name):
    folder.write(_1_a="CREATE TABLE a ()")
    env_file(f'export {name}="{database.conninfo}"\n')
    answer = program("up", "--env-file", ".env", code=0)
    assert answer.err == ""
    assert database.versions() == [1]


def test_variables_of_libpq_are_named_in_file(program, folder, database, env_file):
    folder.write(_1_a="CREATE TABLE a ()")
    given = conninfo_to_dict(database.conninfo)
    lines = [f"PG{key.upper()}='{given[key]}'" for key in ("host", "port", "user")]
    env_file("\n".join([*lines, f"PGDATABASE={given['dbname']}"]))
    program("--env-file=.env", "up", code=0)
    assert database.versions() == [1]


def test_file_is_not_read_unless_it_is_named(program, folder, database, env_file):
    folder.write(_1_a="SELECT 1")
    env_file(f'PGBRAID_DATABASE_URL="{database.conninfo}"')
    assert "no database is named" in program("up", code=2).err


def test_environment_wins_over_file(cli, folder, database, env_file):
    folder.write(_1_a="CREATE TABLE a ()")
    env_file("PGBRAID_DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing")
    cli("up", "--env-file", ".env", code=0)
    assert database.versions() == [1]


def test_password_that_others_can_read_is_warned_of(program, folder, database, env_file):
    folder.write(_1_a="SELECT 1")
    url = f"{database.conninfo} password=tiger42"
    env_file(f'DATABASE_URL="{url}"', mode=0o644)
    answer = program("up", "--env-file", ".env", code=0)
    assert "WARNING:  other users of this machine can read the password in .env" in answer.err
    assert "HINT:  Run `chmod go= .env`." in answer.err
    assert "tiger42" not in answer.err
    document = program("up", "--env-file", ".env", "--json", code=0).json
    assert document["warnings"][0]["code"] == "password_readable"
    env_file(f'DATABASE_URL="{url}"')
    assert program("up", "--env-file", ".env", code=0).err == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--env-file", "none"], "cannot read the file of variables none: No such file"),
        (["--env-file", ""], "cannot read the file of variables"),
        (["--env-file", ".env"], ".env:2: the line is not NAME=VALUE"),
    ],
)
def test_wrong_file_is_error(program, folder, env_file, words, message):
    folder.write(_1_a="SELECT 1")
    env_file("A=1\nhunter2: x")
    answer = program("up", *words, code=2)
    assert message in answer.err
    assert "hunter2" not in answer.err


def test_verbose_names_variables_without_values(program, folder, database, env_file):
    folder.write(_1_a="SELECT 1")
    env_file(f'PGBRAID_DATABASE_URL="{database.conninfo}"\nPGAPPNAME=tiger42\nOTHER=1')
    answer = program("up", "-v", "--env-file", ".env", code=0)
    assert "variables: PGBRAID_DATABASE_URL, PGAPPNAME of .env" in answer.err
    assert "tiger42" not in answer.err
