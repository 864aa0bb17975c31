"""Errors of embedded servers that cannot be created or do not start."""

import os
import signal
import threading
from pathlib import Path

import psycopg
import pytest

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir


def test_uncopyable_data_is_reported_briefly(programs, tmp_path, monkeypatch):
    """On a full disk, cp prints one error for each of a thousand files."""
    complain = tmp_path / "bin" / "cp"
    complain.parent.mkdir()
    complain.write_text(
        "#!/bin/sh\nfor i in $(seq 400); do echo No space left on device >&2; done\nexit 1\n"
    )
    complain.chmod(0o755)
    monkeypatch.setenv("PATH", str(complain.parent), prepend=os.pathsep)
    with (
        pytest.raises(EmbeddedError, match="cannot copy a data directory") as caught,
        embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()),
    ):
        pass
    assert "No space left on device" in caught.value.detail
    assert len(str(caught.value.detail).splitlines()) <= 6
    assert "pip install" not in caught.value.hint
    assert not (tmp_path / "db" / "data").exists()


def test_fatal_error_of_server_is_shown_with_any_text(programs, tmp_path):
    """For a full disk or incomplete data, the last lines of the log are about the shutdown."""
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    for segment in (tmp_path / "db" / "data" / "pg_wal").glob("0*"):
        segment.unlink()
    with (
        pytest.raises(EmbeddedError, match="did not start") as caught,
        embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()),
    ):
        pass
    assert "PANIC:" in caught.value.detail or "FATAL:" in caught.value.detail


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the shared memory is counted by Linux")
def test_start_waits_for_processes_of_killed_server(programs, tmp_path):
    """A busy backend notices only later that its server was killed."""
    folder = tmp_path / "db"
    with embedded_server(folder, programs=programs, cache=cache_dir()):
        pass
    with (folder / "data" / "postgresql.conf").open("a") as file:
        file.write("autovacuum = off\n")  # its launcher may notice only after a minute
    with (
        embedded_server(folder, programs=programs, cache=cache_dir()) as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):
        backend = conn.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(int((folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    timer = threading.Timer(1, os.kill, (backend, signal.SIGCONT))
    timer.start()
    try:
        with (
            embedded_server(folder, programs=programs, cache=cache_dir()) as server,
            psycopg.connect(server.conninfo) as conn,
        ):
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        timer.join()
    assert "pre-existing shared memory block" in (folder / "postgres.log").read_text()


def test_error_of_earlier_start_is_not_shown(programs, tmp_path):
    folder = tmp_path / "db"
    with embedded_server(folder, programs=programs, cache=cache_dir()):
        pass
    with (folder / "postgres.log").open("a") as log:
        log.write("FATAL:  an error of last week\n")
    (folder / "data" / "postgresql.conf").write_text("nonsense = 1\n")
    with (
        pytest.raises(EmbeddedError, match="did not start") as caught,
        embedded_server(folder, programs=programs, cache=cache_dir()),
    ):
        pass
    assert "nonsense" in caught.value.detail
    assert "last week" not in caught.value.detail


@pytest.mark.parametrize(
    "change",
    ["ALTER ROLE postgres NOLOGIN", "UPDATE pg_database SET datallowconn = datname <> 'postgres'"],
)
def test_server_that_refuses_its_superuser_is_reported(programs, tmp_path, cli, folder, change):
    folder.write(_1_a="SELECT 1")
    data = tmp_path / "db"
    with (
        embedded_server(data, programs=programs, cache=cache_dir()) as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):
        conn.execute(change)
    answer = cli("check", "--embedded", str(data), code=4)
    assert "the embedded server refuses the connection of its superuser" in answer.err
    assert "Traceback" not in answer.err
