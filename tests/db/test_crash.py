"""The server dies, everywhere: what was reported stays, and what stays is a prefix.

PGBRAID_CRASH_TRIALS says how often it dies; a few times by default.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from pgbraid.config import cache_dir
from pgbraid.db.embedded import embedded_server
from pgbraid.db.postmaster import pid_of

TRIALS = int(os.environ.get("PGBRAID_CRASH_TRIALS", "4"))
COUNT = 300


@pytest.fixture(scope="module")
def migrations(tmp_path_factory):
    folder = tmp_path_factory.mktemp("migrations")
    for n in range(1, COUNT + 1):
        text = f"CREATE TABLE t{n} (a int PRIMARY KEY);\nINSERT INTO t{n} VALUES ({n});\n"
        (folder / f"{n:03}_t.sql").write_text(text)
    return folder


def family(pid):
    """Return a server's process and all its children."""
    found = [pid]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def kill(pid):
    for each in family(pid):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def start_run(conninfo, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "pgbraid", "up", "--database", conninfo, "--dir", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def reported(lines):
    return [int(line.split("_")[0]) for line in lines if line.startswith("  ")]


def held(programs, data, name):
    """Start the server again, and return the set and the tables that it has."""
    with embedded_server(data, programs=programs, cache=cache_dir()) as server:
        conninfo = f"{server.conninfo} dbname={name}"
        with psycopg.connect(conninfo, autocommit=True) as conn:
            there = conn.execute("SELECT to_regclass('applied_migrations')").fetchone()[0]
            rows = (
                conn.execute("SELECT version FROM applied_migrations ORDER BY 1") if there else []
            )
            versions = [version for (version,) in rows]
            tables = conn.execute("SELECT relname FROM pg_class WHERE relname ~ '^t[0-9]+$'")
            return versions, sorted(int(name[1:]) for (name,) in tables)


def run_and_kill(conninfo, pid, folder, pause):
    """Run everything and kill the server meanwhile; return the exit code and the lines."""
    lines = []
    with start_run(conninfo, folder) as run:
        reader = threading.Thread(target=lambda: lines.extend(run.stdout))
        reader.start()
        with suppress(subprocess.TimeoutExpired):
            run.wait(pause)
        kill(pid)
        reader.join(60)
    return run.returncode, lines


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="processes are found in /proc")
@pytest.mark.parametrize("trial", range(TRIALS))
def test_what_was_reported_outlives_the_server(programs, tmp_path, migrations, trial):
    pause = 60 if trial % 4 == 3 else random.Random(trial).uniform(0.2, 1.2)
    data, name = tmp_path / "db", "crash"
    with embedded_server(data, programs=programs, cache=cache_dir()) as server:
        with psycopg.connect(server.conninfo, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}")
            assert conn.execute("SHOW fsync").fetchone() == ("on",)
            conn.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")  # it brings nothing to disk
            conn.execute("SELECT pg_reload_conf()")
        pid = pid_of(data / "data")
        code, lines = run_and_kill(f"{server.conninfo} dbname={name}", pid, migrations, pause)
    versions, tables = held(programs, data, name)
    assert versions == tables == list(range(1, len(versions) + 1))
    told = reported(lines)
    assert told == list(range(1, len(told) + 1))
    assert len(told) <= len(versions)
    if code == 0:
        assert len(told) == len(versions) == COUNT
