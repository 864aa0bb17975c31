"""What goes wrong in a project's set-up is an error of the tests that ask, never a skip."""

import re

import pytest
from psycopg.conninfo import make_conninfo

from pgbraid.postgres.server import data_dir
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir
from pgbraid.testing.suite import Suite, SuiteOptions
from tests.fixtures.suites import migrator

THREE = """
def test_a(pgbraid_dsn): pass
def test_b(pgbraid_db): pass
def test_c(): pass
"""


def test_report_of_failure_does_not_name_role_that_was_made(project):
    project.write("migrations/103_grant.sql", "GRANT SELECT ON users TO app_reader;")
    project.write("migrations/104_wrong.sql", "SELECT nothing;")
    out = project.run(code=1)
    assert 'column "nothing" does not exist' in out
    assert "app_reader" not in out


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_failed_migration_is_error_of_each_test_that_asks_and_others_run(project, words):
    project.write("migrations/103_x.sql", "CREATE TABLE x ();\nSELECT nothing\n  FROM users;")
    project.write("test_users.py", THREE)
    out = project.run(*words, code=1)
    assert "1 passed, 2 errors" in out
    assert len(re.findall(r'103_x.sql:2:\d+: ERROR:  column "nothing" does not exist', out)) == 2
    assert out.count("LINE 2: SELECT nothing\n               ^") == 2


def test_files_that_are_not_fit_to_run_are_listed(project):
    project.write("migrations/102_b.sql", "SELECT 1;")
    out = project.run(code=1)
    assert "ProblemsFound" in out
    assert "102_b.sql" in out


def test_missing_folder_is_named(project):
    project.write("pgbraid.toml", "dir = 'nowhere'")
    out = project.run(code=1)
    assert "nowhere" in out
    assert "Name the folder with `--pgbraid-dir`" in out


def test_server_that_cannot_be_reached_is_error(project):
    out = project.run(code=1, PGBRAID_TEST_DSN="postgresql://u:secret-word@127.0.0.1:1/x")
    assert "cannot connect to the test server 127.0.0.1:1/x" in out
    assert "PGBRAID_TEST_DSN or `--pgbraid-server`" in out
    assert "secret-word" not in out
    assert "skipped" not in out


def test_pooler_is_refused(project, pooled):
    out = project.run(code=1, PGBRAID_TEST_DSN=pooled)
    assert "is reached through a pooler" in out


def test_standby_is_refused(project, programs, tmp_path):
    folder = tmp_path / "db"
    with embedded_server(folder, programs=programs, cache=cache_dir()):
        pass
    (folder / "data" / "standby.signal").touch()
    with embedded_server(folder, programs=programs, cache=cache_dir()) as standby:
        out = project.run(code=1, PGBRAID_TEST_DSN=standby.conninfo)
    assert "is a standby, on which no database can be created" in out


def test_role_without_right_to_create_databases_is_error(project, server, role):
    out = project.run(code=1, PGBRAID_TEST_DSN=make_conninfo(server, user=role))
    assert f"the role {role} may not create databases on the test server" in out
    assert "Grant it CREATEDB" in out


def test_url_that_is_none_is_error(project):
    out = project.run(code=1, PGBRAID_TEST_DSN="mysql://u@h/d")
    assert "the database URL begins with mysql://" in out


@pytest.mark.parametrize("version", [100, 999])
def test_version_without_migration_names_nearest(project, version):
    project.write("test_users.py", f"def test_a(pgbraid_before): pgbraid_before({version})")
    out = project.run(code=1)
    assert f"no migration of {project.folder / 'migrations'} has the version {version}" in out
    assert "The nearest versions are 101, 102" in out


def test_wrong_number_of_databases_ahead_is_error(project):
    project.write("pyproject.toml", "[tool.pytest.ini_options]\npgbraid_ahead = 'many'\n")
    assert "pgbraid_ahead must be a number from 0 to 100" in project.run(code=1)


def test_seed_that_fails_is_named_with_its_line(project):
    project.write("seed.sql", "SELECT 1;\nSELECT nothing;")
    project.write("pyproject.toml", "[tool.pytest.ini_options]\npgbraid_seeds = 'seed.sql'\n")
    assert 'seed.sql:2: the file fails: column "nothing" does not exist' in project.run(code=1)
    (project.folder / "seed.sql").unlink()
    assert "cannot read" in project.run(code=1)


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_connection_left_open_is_warned_of_by_tests_name(project, words):
    project.write(
        "test_users.py",
        "import psycopg\nOPEN = []\n"
        "def test_leaks(pgbraid_dsn): OPEN.append(psycopg.connect(pgbraid_dsn))\n"
        "def test_closes(pgbraid_db): pgbraid_db.connect().close()\n",
    )
    out = project.run(*words)
    assert "test_users.py::test_leaks left 1 connection to its database open" in out
    assert "test_closes left" not in out


def test_commit_on_connection_that_is_rolled_back_names_other_fixture(project):
    project.write(
        "test_users.py",
        "def test_commits(pgbraid_conn):\n"
        "    pgbraid_conn.execute(\"INSERT INTO users (name) VALUES ('a')\")\n"
        "    pgbraid_conn.commit()\n"
        "def test_commits_by_text(pgbraid_conn):\n"
        "    pgbraid_conn.execute(\"INSERT INTO users (name) VALUES ('a'); COMMIT\")\n"
        "def test_sees_nothing(pgbraid_conn):\n"
        "    assert pgbraid_conn.execute('SELECT count(*) FROM users').fetchone() == (0,)\n"
        "def test_closes(pgbraid_conn): pgbraid_conn.close()\n"
        "def test_goes_on(pgbraid_conn): pgbraid_conn.execute('SELECT 1')\n",
    )
    out = project.run(code=1)
    assert "cannot commit" in out
    assert "this test committed on pgbraid_conn" in out
    assert "1 failed, 4 passed, 1 error" in out


def test_data_on_disk_are_warned_of(monkeypatch, programs, suite_cache):
    monkeypatch.setattr(data_dir, "_ROOM", 1 << 60)
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    monkeypatch.setenv("XDG_CACHE_HOME", str(suite_cache))
    suite = Suite(SuiteOptions())
    suite.migrated(migrator())
    (warning,) = suite.warnings()
    suite.close()
    assert warning[1].startswith("the test databases are on disk")


def test_role_that_test_makes_is_warned_of_once(project):
    project.write(
        "test_users.py",
        "import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test_role(pgbraid_db, n):\n"
        "    with pgbraid_db.connect() as conn: conn.execute(f'CREATE ROLE made_{n}')\n",
    )
    out = project.run()
    assert out.count("changed what all databases of the server share") == 1
    assert "role made_0" in out


def test_setting_of_server_that_test_changes_is_warned_of(project):
    project.write(
        "test_users.py",
        "def test_setting(pgbraid_db):\n"
        "    with pgbraid_db.connect(autocommit=True) as conn:\n"
        "        conn.execute(\"ALTER SYSTEM SET work_mem = '7MB'\")\n",
    )
    assert "later tests see it: system work_mem 7MB" in project.run()
