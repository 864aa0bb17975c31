"""The URL that a command uses: a committed URL never leads to another database."""

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def url(database):
    """A function that returns the URL of the test database, with changed parts if given."""
    target = conninfo_to_dict(database.conninfo)

    def make(**changed):
        parts = {key: target[key] for key in ("host", "port", "user", "dbname")} | changed
        return make_conninfo(**{key: value for key, value in parts.items() if value})

    return make


def where(program, tmp_path, direct, *words, **env):
    """Run a command with a committed direct_url and -v, which prints its database."""
    (tmp_path / "migrations").mkdir(exist_ok=True)
    (tmp_path / "migrations" / "1_a.sql").write_text("CREATE TABLE a ()")
    if direct is not None:
        (tmp_path / "pgbraid.toml").write_text(f"direct_url = {direct!r}")
    return program("up", "-v", *words, env=env)


@pytest.mark.parametrize("variable", ["PGBRAID_DATABASE_URL", "DATABASE_URL"])
def test_committed_direct_url_of_another_database_is_refused(
    program, tmp_path, database, url, variable
):
    answer = where(program, tmp_path, "postgresql://deploy@127.0.0.1:1/prod", **{variable: url()})
    assert answer.code == 2
    target = conninfo_to_dict(database.conninfo)
    assert answer.err.splitlines()[1] == (
        f"ERROR:  direct_url of {tmp_path / 'pgbraid.toml'} leads to database prod as user deploy, "
        f"and the environment names database {target['dbname']} as user {target['user']}"
    )
    assert database.value("SELECT to_regclass('a')") is None


def test_committed_direct_url_of_another_user_is_refused(program, tmp_path, url):
    other = url(user="other")
    answer = where(program, tmp_path, other, PGBRAID_DATABASE_URL=url())
    assert answer.code == 2
    assert "as user other, and the environment names" in answer.err


def test_committed_direct_url_to_same_database_is_taken(program, tmp_path, database, url):
    pooler = url(host="127.0.0.1", port="1")
    assert where(program, tmp_path, url(), PGBRAID_DATABASE_URL=pooler).code == 0
    assert database.versions() == [1]


def test_databases_named_by_libpq_variables_are_compared(program, tmp_path, database, url):
    target = conninfo_to_dict(database.conninfo)
    variables = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGUSER": target["user"]}
    answer = where(program, tmp_path, url(), PGDATABASE="other", **variables)
    assert answer.code == 2
    assert "the environment names database other as user" in answer.err
    assert where(program, tmp_path, url(), PGDATABASE=target["dbname"], **variables).code == 0


def test_committed_direct_url_alone_is_taken(program, tmp_path, database, url):
    assert where(program, tmp_path, url()).code == 0
    assert database.versions() == [1]


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--database", "{url}"], {}),
        (["--direct-url", "{url}"], {}),
        (["--direct-url", "{url}", "--database", NOWHERE], {}),
        (["--database", "{url}"], {"PGBRAID_DIRECT_URL": NOWHERE, "PGBRAID_DATABASE_URL": NOWHERE}),
        ([], {"PGBRAID_DIRECT_URL": "{url}"}),
        ([], {"PGBRAID_DIRECT_URL": "{url}", "PGBRAID_DATABASE_URL": NOWHERE}),
        ([], {"PGBRAID_DIRECT_URL": "{url}", "DATABASE_URL": NOWHERE}),
    ],
)
def test_command_line_then_direct_url_of_environment_decide(
    program, tmp_path, database, url, words, env
):
    words = [word.format(url=url()) for word in words]
    env = {name: value.format(url=url()) for name, value in env.items()}
    answer = where(program, tmp_path, NOWHERE, *words, **env)
    assert answer.code == 0, answer.err
    assert database.versions() == [1]


def test_no_password_is_shown_where_two_databases_are_named(program, tmp_path):
    answer = where(
        program,
        tmp_path,
        "postgresql://deploy@h/prod",
        PGBRAID_DATABASE_URL="postgresql://me:hunter2@h/hunter2",
    )
    assert answer.code == 2
    assert "hunter2" not in answer.err
