"""Runs that are killed leave nothing that the next run does not remove."""

import os
import signal
import time
from pathlib import Path

import psycopg

from pgbraid.testing.suite import Suite, SuiteOptions
from tests.fixtures.suites import migrator, names, private_folders

HANGS = """
import pathlib, time
import pytest


@pytest.mark.parametrize("n", range(8))
def test_hangs(pgbraid_db, n):
    pathlib.Path("started").mkdir(exist_ok=True)
    pathlib.Path("started", str(n)).write_text(str(pgbraid_db.parameters["host"]))
    time.sleep(600)
"""


def kill_all(project, *words, workers=4):
    """Start a run, and kill all its processes once each worker has a database."""
    project.write("test_users.py", HANGS)
    started = project.folder / "started"
    process = project.start(*words)
    deadline = time.monotonic() + 100
    while not started.is_dir() or len(list(started.iterdir())) < workers:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    place = next(started.iterdir()).read_text()
    os.killpg(process.pid, signal.SIGKILL)  # the servers are in groups of their own
    process.communicate()
    project.write("test_users.py", "def test_users(pgbraid_dsn): pass")
    return place


def gone_soon(present):
    deadline = time.monotonic() + 60
    while present() and time.monotonic() < deadline:
        time.sleep(0.1)
    return not present()


def test_killed_run_on_embedded_server_leaves_nothing(project):
    before = private_folders()
    place = kill_all(project, "-n", "4")
    # The watcher ends the server by itself.
    assert gone_soon(Path(place, ".s.PGSQL.5432").exists)
    project.run()
    assert not [path for path in private_folders() - before if place.startswith(str(path))]
    assert not files_of_runs(project)


def files_of_runs(project):
    return list(Path(project.env["XDG_CACHE_HOME"], "pgbraid", "test").glob("run-*"))


def test_killed_run_on_server_of_others_leaves_nothing(elsewhere, server):
    before = set(names(server, "pgbraid\\_test%"))
    kill_all(elsewhere, "-n", "4")
    left = set(names(server, "pgbraid\\_test%")) - before
    assert len(left) >= 4
    assert gone_soon(lambda: sessions(server, left))
    elsewhere.run()
    assert not left & set(names(server, "pgbraid\\_test%"))


def sessions(server, databases):
    with psycopg.connect(server, autocommit=True) as conn:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY (%s) OR pid IN"
            " (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'"
            "  AND objid::bigint = ANY (%s))"
        )
        runs = [int(name.split("_")[2]) for name in databases]
        return conn.execute(query, (list(databases), runs)).fetchone()[0]


def test_database_without_mark_or_name_is_never_dropped(server):
    marked, named = "pgbraid_test_1_main_x", "pgbraid_test_2147483646_main_1"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {marked} CONNECTION LIMIT 1953")
        conn.execute(f"CREATE DATABASE {named}")
        suite = Suite(SuiteOptions(server))
        suite.migrated(migrator())
        suite.close()
        left = names(server)
        for name in (marked, named):
            conn.execute(f"DROP DATABASE IF EXISTS {name}")
    assert marked in left
    assert named in left


def test_running_runs_keep_their_databases(server):
    first, second = Suite(SuiteOptions(server)), Suite(SuiteOptions(server))
    database = first.migrated(migrator())
    second.migrated(migrator())
    assert database.name in names(server)
    second.close()
    with database.connect() as conn:
        conn.execute("SELECT * FROM users")
    first.close()


def test_ended_run_leaves_no_database_and_no_server(project, elsewhere, server):
    databases = names(server, "pgbraid\\_test%")
    project.run("-n", "2")
    elsewhere.run("-n", "2")
    assert names(server, "pgbraid\\_test%") == databases
    assert not files_of_runs(project)
