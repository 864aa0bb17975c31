"""`pgbraid.django`: commands, system check and test runner of a Django project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

import pgbraid
from pgbraid.django import url_of

ROOT = Path(__file__).parents[2]
ENGINE = "django.db.backends.postgresql"


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "examples" / "django", tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def manage(project, clean_env, database, tmp_path):
    """Run a command of the project from another folder."""

    def run(*words, code=0, **env):
        done = subprocess.run(
            [sys.executable, project / "manage.py", *words],
            cwd=tmp_path,
            env={**clean_env, "DATABASE_URL": database.conninfo, **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    return run


def test_commands_migrate_check_and_wait(manage, database):
    assert "1_customers is not applied" in manage("pgbraid_check", code=1).stderr
    assert "not ready" in manage("pgbraid_wait", "--timeout", "0", code=1).stdout
    assert "1 migration left above --to." in manage("pgbraid_up", "--to", "1").stdout
    assert "2_orders" in manage("pgbraid_up").stdout
    assert database.versions() == [1, 2]
    assert manage("pgbraid_check").stdout.startswith("yes: 2 migrations applied")
    assert '"command": "wait"' in manage("pgbraid_wait", "--json").stdout


def test_command_takes_options_of_django_and_of_pgbraid(manage, database):
    assert manage("pgbraid_up", "-v", "0", "--no-color", "--schema", "public").stderr == ""
    assert "unknown option --nothing" in manage("pgbraid_up", "--nothing", code=2).stderr
    assert (
        "CommandError: DATABASES has no alias 'other'"
        in manage("pgbraid_up", "--database", "other", code=1).stderr
    )


def test_settings_file_of_project_applies_from_any_folder(manage, project, database):
    (project / "migrations").rename(project / "sql")
    (project / "pgbraid.toml").write_text('dir = "sql"\ntable = "history"\n')
    manage("pgbraid_up")
    assert database.versions("history") == [1, 2]
    manage("check", "--database", "default")


def test_system_check_with_tag_database_reports_problems(manage, project):
    done = manage("check", "--database", "default", code=1)
    assert "(pgbraid.pending)" in done.stderr
    assert "HINT: Apply it with `pgbraid up`." in done.stderr
    manage("check")
    manage("pgbraid_up")
    manage("check", "--database", "default")
    (project / "migrations" / "002_orders.sql").unlink()
    manage("check", "--database", "default")


def test_system_check_reports_missing_server(manage):
    url = "postgresql://u@127.0.0.1:1/d"
    done = manage("check", "--database", "default", code=1, DATABASE_URL=url)
    assert "(pgbraid.error) cannot connect" in done.stderr


@pytest.fixture
def served_by_django(database):
    """Skip the test if Django does not support the server; its commands alone do not connect."""
    if int(database.value("SHOW server_version_num")) < 140000:
        pytest.skip("Django 5.2 needs PostgreSQL 14")


@pytest.mark.usefixtures("served_by_django")
@pytest.mark.parametrize("words", [[], ["--parallel", "2"], ["--keepdb"]], ids=" ".join)
def test_runner_migrates_test_database(manage, database, words):
    try:
        done = manage("test", "shop", *words)
        assert "OK" in done.stderr
        assert database.value("SELECT to_regclass('customers')") is None
    finally:
        name = database.value("SELECT current_database()")
        database.run(f"DROP DATABASE IF EXISTS test_{name}")


@pytest.fixture
def with_migrations_of_django(project, database):
    """Give the project an application that has migrations of Django."""
    settings = project / "shop" / "settings.py"
    apps = 'INSTALLED_APPS += ["django.contrib.contenttypes", "django.contrib.auth"]\n'
    settings.write_text(settings.read_text() + apps)
    yield
    name = database.value("SELECT current_database()")
    database.run(f"DROP DATABASE IF EXISTS test_{name}")


@pytest.mark.usefixtures("served_by_django", "with_migrations_of_django")
def test_runner_migrates_database_with_migrations_of_django(manage):
    assert "OK" in manage("test", "--noinput", "shop").stderr


@pytest.mark.usefixtures("served_by_django", "with_migrations_of_django")
@pytest.mark.parametrize("first", ["pgbraid", "django"])
def test_migrations_of_django_and_of_pgbraid_share_database(manage, project, first):
    if first == "pgbraid":
        manage("pgbraid_up")
        manage("migrate")
    else:
        manage("migrate", "--skip-checks")
        (project / "pgbraid.toml").write_text("adopt = false\n")
        manage("pgbraid_up")
    manage("check", "--database", "default")


@pytest.mark.usefixtures("served_by_django")
def test_runner_reports_failed_migration(manage, project, database):
    (project / "migrations" / "003_wrong.sql").write_text("SELECT 1 / 0")
    manage_fails = subprocess.run(
        [sys.executable, "manage.py", "test", "--noinput", "shop"],
        cwd=project,
        env={**os.environ, "DATABASE_URL": database.conninfo},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert manage_fails.returncode != 0
    assert "division by zero" in manage_fails.stderr
    name = database.value("SELECT current_database()")
    database.run(f"DROP DATABASE IF EXISTS test_{name}")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"NAME": "d"}, {"dbname": "d"}),
        (
            {"NAME": "a b", "USER": "ü:@", "PASSWORD": "p/%@:#?", "HOST": "h", "PORT": 5433},
            {"dbname": "a b", "user": "ü:@", "password": "p/%@:#?", "host": "h", "port": "5433"},
        ),
        ({"NAME": "d", "HOST": "/var/run/x"}, {"dbname": "d", "host": "/var/run/x"}),
        ({"NAME": "d", "PASSWORD": "only"}, {"dbname": "d", "password": "only"}),
        (
            {"NAME": "d", "OPTIONS": {"sslmode": "require", "pool": True, "connect_timeout": 3}},
            {"dbname": "d", "sslmode": "require", "connect_timeout": "3"},
        ),
        (
            {"NAME": "", "OPTIONS": {"service": "s", "passfile": "/p", "isolation_level": 2}},
            {"service": "s", "passfile": "/p"},
        ),
        (
            {"NAME": "d", "OPTIONS": {"assume_role": "a b", "options": "-c work_mem=1MB"}},
            {"dbname": "d", "options": "-c work_mem=1MB -c role=a\\ b"},
        ),
    ],
)
def test_url_has_parameters_of_entry(entry, expected):
    url = url_of({"ENGINE": ENGINE, **entry})
    assert conninfo_to_dict(url) == expected
    assert pq.Conninfo.parse(url.encode())


@pytest.mark.parametrize("engine", ["django.db.backends.sqlite3", "", None])
def test_other_engine_is_refused(engine):
    with pytest.raises(pgbraid.ConfigError, match="pgbraid is for PostgreSQL"):
        url_of({"ENGINE": engine, "NAME": "d"})


def test_url_of_entry_needs_no_django():
    code = "import sys, pgbraid.django; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_commands_are_called_from_code(manage, project, database):
    (project / "call.py").write_text(
        "import io\n"
        "import django\n"
        "from django.core.management import CommandError, call_command\n"
        "django.setup()\n"
        "out = io.StringIO()\n"
        "call_command('pgbraid_up', '--', '--to', '1', stdout=out)\n"
        "assert '1 migration applied' in out.getvalue()\n"
        "try:\n"
        "    call_command('pgbraid_check', stderr=io.StringIO())\n"
        "except CommandError as error:\n"
        "    assert error.returncode == 1\n"
        "else:\n"
        "    raise AssertionError\n"
    )
    environment = {**os.environ, "DATABASE_URL": database.conninfo}
    environment["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    subprocess.run([sys.executable, "call.py"], cwd=project, env=environment, check=True)
