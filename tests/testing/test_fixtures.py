"""The fixtures and options, in projects of their own."""

import subprocess
import sys

import pytest

ALL = """
import psycopg
import pytest
import pgbraid


def test_database(pgbraid_db):
    assert pgbraid_db.dsn.startswith("postgresql://")
    assert pgbraid_db.url("asyncpg").startswith("postgresql+asyncpg://")
    assert pgbraid_db.parameters["dbname"] == pgbraid_db.name
    with pgbraid_db.connect() as conn:
        assert conn.execute("SELECT current_database()").fetchone() == (pgbraid_db.name,)


def test_url(pgbraid_dsn, pgbraid_db):
    assert pgbraid_dsn == pgbraid_db.dsn
    pgbraid.load("migrations").check(pgbraid_dsn)


@pytest.mark.parametrize("n", range(2))
def test_connection(pgbraid_conn, n):
    pgbraid_conn.execute("INSERT INTO users (name) VALUES ('a')")
    assert pgbraid_conn.execute("SELECT count(*) FROM users").fetchone() == (1,)


def test_data_migration(pgbraid_before):
    before = pgbraid_before(102)
    with before.connect() as conn:
        conn.execute("INSERT INTO users (name) VALUES ('a')")
    assert before.version == 102
    assert [m.migration.version for m in before.up().applied] == [102]
    with before.connect() as conn:
        assert conn.execute("SELECT age FROM users").fetchone() == (None,)
    assert pgbraid_before(101).name != before.name


def test_server(pgbraid_server):
    with psycopg.connect(pgbraid_server.create_database()) as conn:
        assert conn.execute("SELECT to_regclass('users')").fetchone() == (None,)
    assert pgbraid_server.label
    psycopg.connect(pgbraid_server.url).close()
"""


@pytest.mark.parametrize("where", ["project", "elsewhere"])
def test_fixtures_work_without_any_glue(where, request, programs):
    chosen = request.getfixturevalue(where)
    chosen.write("test_users.py", ALL)
    assert "6 passed" in chosen.run()


def test_option_names_server(project, server):
    project.write(
        "test_users.py",
        f"def test_server(pgbraid_server): assert pgbraid_server.url != {server!r}\n",
    )
    project.run("--pgbraid-server=embedded", PGBRAID_TEST_DSN=server)
    project.write(
        "test_users.py",
        "def test_server(pgbraid_server): assert not pgbraid_server.label.startswith('emb')\n",
    )
    project.run(f"--pgbraid-server={server}")


def test_folder_and_seeds_are_options_of_pytest(project):
    (project.folder / "migrations").rename(project.folder / "schema")
    project.write("seeds/users.sql", "INSERT INTO users (name) VALUES ('a'), ('b');")
    project.write(
        "pyproject.toml",
        "[tool.pytest.ini_options]\n"
        "pgbraid_dir = 'schema'\npgbraid_ahead = 0\npgbraid_seeds = ['seeds/users.sql']\n",
    )
    project.write(
        "test_users.py",
        "def test_seeds(pgbraid_conn):\n"
        "    assert pgbraid_conn.execute('SELECT count(*) FROM users').fetchone() == (2,)\n",
    )
    project.run()


@pytest.mark.parametrize(
    "value", ["pathlib.Path(__file__).parent / 'other'", "{'1_a.sql': 'CREATE TABLE a ();'}"]
)
def test_project_may_name_other_migrations_for_folder_of_tests(project, value):
    project.write("sub/other/1_a.sql", "CREATE TABLE a ();")
    project.write(
        "sub/conftest.py",
        "import pathlib, pytest\n@pytest.fixture(scope='session')\n"
        f"def pgbraid_migrations(): return {value}\n",
    )
    project.write(
        "sub/test_a.py",
        "def test_a(pgbraid_db):\n"
        "    with pgbraid_db.connect() as conn: conn.execute('SELECT FROM a')\n",
    )
    assert "2 passed" in project.run()


def test_migrations_run_as_role_and_find_roles_that_platform_provides(project):
    project.write("pgbraid.toml", "role = 'deploy'\nsearch_path = 'public'\n")
    project.write("migrations/103_grant.sql", "GRANT SELECT ON users TO app_reader;")
    project.write(
        "test_users.py",
        "def test_owner(pgbraid_db):\n    with pgbraid_db.connect() as conn:\n"
        "        query = \"SELECT tableowner FROM pg_tables WHERE tablename = 'users'\"\n"
        "        assert conn.execute(query).fetchone() == ('deploy',)\n",
    )
    project.run()


def test_nothing_starts_and_driver_is_not_imported_before_first_use_of_fixture(project):
    project.write(
        "test_users.py",
        "import sys\ndef test_plain():\n"
        "    assert not {'psycopg', 'pgbraid.api', 'pgbraid.testing.suite', 'asyncio'}"
        " & sys.modules.keys()\n",
    )
    project.run()
    project.run("-n", "1")


def test_workers_share_one_server_and_one_template(project):
    project.write(
        "test_users.py",
        "import pathlib, pytest, time\n"
        "@pytest.mark.parametrize('n', range(6))\n"
        "def test_place(pgbraid_db, n):\n"
        "    time.sleep(0.3)\n"
        "    with pgbraid_db.connect() as conn:\n"
        "        query = \"SELECT count(*) FROM pg_database WHERE datname LIKE 'pgbraid_tmpl%'\"\n"
        "        assert conn.execute(query).fetchone() == (1,)\n"
        "    pathlib.Path(pgbraid_db.name).write_text(pgbraid_db.parameters['host'])\n",
    )
    project.run("-n", "3")
    found = list(project.folder.glob("pgbraid_test_*"))
    assert len(found) == 6
    assert len({path.name.split("_")[3] for path in found}) == 3
    assert len({path.read_text() for path in found}) == 1


def test_failed_tests_database_is_kept(elsewhere, server):
    from tests.fixtures.suites import names  # noqa: PLC0415

    elsewhere.write(
        "test_users.py", "def test_users(pgbraid_db): assert 0\ndef test_b(pgbraid_db): pass"
    )
    before = set(names(server, "pgbraid\\_test%"))
    out = elsewhere.run("--pgbraid-keep", "-n", "2", code=1)
    elsewhere.run(code=1)
    (database,) = set(names(server, "pgbraid\\_test%")) - before
    assert "The database stays: postgresql://" in out
    assert database in out
    import psycopg  # noqa: PLC0415

    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {database}")


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_embedded_server_of_failed_test_stays_up_for_while(project, words):
    project.write("test_users.py", "def test_users(pgbraid_db): assert 0")
    out = project.run("--pgbraid-keep", "--pgbraid-keep-for", "0.1", *words, code=1)
    assert "the server of 1 database stays up for 0.1 s" in out


def test_down_file_that_does_not_revert_fails_check(project):
    project.write("migrations/102_ages.down.sql", "ALTER TABLE users DROP COLUMN age;")
    assert "2 passed" in project.run("--pgbraid-undo")
    project.write("migrations/103_a.sql", "CREATE TABLE a (); CREATE TABLE b ();")
    project.write("migrations/103_a.down.sql", "DROP TABLE a;")
    out = project.run("--pgbraid-undo", code=1)
    assert "103_a.down.sql does not revert its migration" in out
    assert "table public.b" in out


SWAP = """
import os
import psycopg
import pytest

CONN = psycopg.connect(os.environ["APP_URL"], autocommit=True)


@pytest.mark.parametrize("n", range(4))
def test_fresh(pgbraid_swap, n):
    assert pgbraid_swap.dsn == os.environ["APP_URL"]
    with psycopg.connect(os.environ["APP_URL"]) as conn:
        assert conn.execute("SELECT count(*) FROM users").fetchone() == (0,)
        conn.execute("INSERT INTO users (name) VALUES ('a')")
"""


@pytest.mark.parametrize("where", ["project", "elsewhere"])
@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_application_with_frozen_url_gets_fresh_databases(where, words, request, programs):
    chosen = request.getfixturevalue(where)
    chosen.write(
        "conftest.py",
        "import os\nfrom pgbraid.testing import worker_url\nos.environ['APP_URL'] = worker_url()\n",
    )
    chosen.write("test_users.py", SWAP)
    assert "4 passed" in chosen.run(*words)


INSIDE = """
import psycopg
import pytest

pytest_plugins = ["pytester"]


def test_inside(pytester, pgbraid_dsn):
    pytester.mkdir("migrations").joinpath("1_a.sql").write_text("CREATE TABLE a ();")
    pytester.makepyfile(
        "def test_a(pgbraid_db):\\n"
        "    with pgbraid_db.connect() as conn: conn.execute('SELECT FROM a')\\n"
    )
    words = ["-p", "no:asyncio", "-p", "no:django", "-p", "no:hypothesispytest"]
    {run}.assert_outcomes(passed=1)
    psycopg.connect(pgbraid_dsn).close()


def test_after(pgbraid_dsn):
    with psycopg.connect(pgbraid_dsn) as conn:
        conn.execute("SELECT FROM users")
"""
IN_PROCESS = "pytester.runpytest_inprocess(*words)"
IN_PROGRAM = "pytester.runpytest_subprocess(*words)"


@pytest.mark.parametrize("where", ["project", "elsewhere"])
@pytest.mark.parametrize(
    ("run", "words"), [(IN_PROCESS, ()), (IN_PROGRAM, ()), (IN_PROGRAM, ("-n", "1"))]
)
def test_run_of_pytest_inside_test_leaves_databases_of_outer_run(
    where, run, words, request, programs
):
    chosen = request.getfixturevalue(where)
    chosen.write("test_users.py", INSIDE.replace("{run}", run))
    assert "2 passed" in chosen.run(*words)


FORKS = """
import os
import sys

import psycopg

from pgbraid.testing import worker_url

URL = worker_url()
CONN = psycopg.connect(URL)
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
CONN.execute("SELECT FROM users")
psycopg.connect(URL).close()
"""


@pytest.mark.parametrize("where", ["project", "elsewhere"])
def test_forked_child_that_ends_leaves_server_and_databases(where, request, programs):
    chosen = request.getfixturevalue(where)
    script = chosen.write("forks.py", FORKS)
    subprocess.run(
        [sys.executable, script], cwd=chosen.folder, env=chosen.env, check=True, timeout=60
    )


def test_threads_of_test_share_one_template(project):
    project.write(
        "test_users.py",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def test_threads(pgbraid_before):\n"
        "    with ThreadPoolExecutor(4) as pool:\n"
        "        names = set(pool.map(lambda _: pgbraid_before(102).name, range(8)))\n"
        "    assert len(names) == 8\n",
    )
    assert "1 passed" in project.run()
