"""`pgbraid server DIR` lets the server of a folder stay for psql and for applications."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir
from tests.fixtures.programs import Program

MEMORY = "/dev/shm"  # noqa: S108 - a folder in it is made private


def answers(url, **parameters):
    try:
        with psycopg.connect(make_conninfo(url, **parameters)) as conn:
            return conn.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def gone(url):
    """Whether the server of a URL has ended, or does so within a minute."""
    deadline = time.monotonic() + 60
    while answers(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not answers(url)


def private_folder(place):
    """The private folder of the folder's running server."""
    return (place / "pgbraid.socket").resolve().parent


def postmaster(place):
    return int((place / "data" / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def program(tmp_path, clean_env, programs):
    """The command line, with the server programs of the other tests."""
    return Program(tmp_path, {**clean_env, "PGBRAID_PG_BIN": programs})


@pytest.fixture
def place(program):
    """A folder for a server, which is stopped after the test: short path, in memory if possible."""
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix="pgbraid-test-", dir=memory) as parent:
        folder = Path(parent) / "dev-db"
        Path(parent).chmod(0o755)
        yield folder
        program("server", folder, "--stop")


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def foreground(program, place):
    """A function that starts the server in the foreground, and returns process and URL."""
    started = []

    def start(*words):
        process = program.start("server", str(place), *words)
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_is_regular_end_of_server(foreground, place, number):
    process, url = foreground()
    base = private_folder(place)
    assert answers(url)
    assert process.stderr.readline().startswith("NOTE:  PostgreSQL ")  # it follows the URL
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert not answers(url)
    assert not base.exists()
    assert not os.path.lexists(place / "pgbraid.socket")


def test_up_joins_server_and_leaves_it_running(foreground, place, program, folder):
    folder.write(_1_a="CREATE TABLE a ()")
    process, url = foreground()
    program("up", "--embedded", place, code=0)
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT version FROM applied_migrations").fetchall() == [(1,)]
    assert program("check", "--database", url, code=0).out
    assert process.poll() is None


def test_server_joins_one_that_another_process_uses(foreground, place, program, programs):
    with embedded_server(place, programs=programs, cache=cache_dir()) as server:
        process, url = foreground()
        assert answers(url)
    assert answers(url)
    process.terminate()
    process.communicate(timeout=60)
    assert gone(url)
    assert not answers(server.conninfo)


def test_json_is_one_document_printed_when_server_is_ready(program, place):
    answer = program("server", place, "--detach", "--json", code=0)
    document = answer.json
    assert answers(document["url"])
    assert (document["command"], document["running"], document["port"]) == ("server", True, None)
    assert document["folder"] == str(place)
    assert program("server", place, "--status", "--json", code=0).json["staying"] is True
    stopped = program("server", place, "--stop", "--json", code=0).json
    assert (stopped["stopped"], stopped["running"]) == (True, False)
    status = program("server", place, "--status", "--json", code=1).json
    assert (status["running"], status["staying"]) == (False, False)


def test_members_of_document_are_documented(program, place):
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    section = text.partition("\n## server\n")[2].partition("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    every = {"format", "command", "ok", "exit_code", "settings", "notices", "retries"}
    for option in ("--status", "--detach", "--status", "--stop"):
        assert set(program("server", place, option, "--json").json) == named | every


def test_detached_server_stays_until_it_is_stopped(program, place):
    url = program("server", place, "--detach", code=0).out.strip()
    assert f"host={place}/pgbraid.socket" in url
    base = private_folder(place)
    assert answers(url)
    assert program("server", place, "--detach", code=0).out.strip() == url
    assert program("server", place, "--status", code=0).out.strip() == url
    assert "has stopped" in program("server", place, "--stop", code=0).out
    assert not answers(url)
    assert not base.exists()
    assert "no server stays" in program("server", place, "--stop", code=0).out
    assert program("server", place, "--detach", code=0).out.strip() == url


def test_detached_server_has_no_open_pipe_of_its_caller(program, place):
    command = [sys.executable, "-m", "pgbraid", "server", str(place), "--detach"]
    reader, writer = os.pipe()
    done = subprocess.run(
        command,
        cwd=program.cwd,
        env=program.env,
        capture_output=True,
        pass_fds=(writer,),
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith(b"postgresql://")
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == ""


def test_error_of_detached_server_is_printed(program, place):
    place.mkdir()
    (place / "notes.txt").touch()
    answer = program("server", place, "--detach", code=4)
    assert "contains files that do not belong to an embedded server" in answer.err
    (place / "notes.txt").unlink()


def test_status_and_stop_make_no_folder(program, place):
    assert "no server runs" in program("server", place, "--status", code=1).out
    program("server", place, "--stop", code=0)
    assert not place.exists()
    place.mkdir()
    (place / "notes.txt").touch()
    program("server", place, "--status", code=1)
    program("server", place, "--stop", code=0)
    assert [path.name for path in place.iterdir()] == ["notes.txt"]


def test_servers_started_at_once_are_one(program, place):
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(program, "server", place, "--detach", code=0) for _ in range(3)]
        urls = {call.result().out for call in calls}
    assert len(urls) == 1
    program("server", place, "--stop", code=0)
    assert "no server runs" in program("server", place, "--status", code=1).out


def test_stop_leaves_server_to_process_that_uses_it(program, place, programs):
    program("server", place, "--detach", code=0)
    with embedded_server(place, programs=programs, cache=cache_dir()) as server:
        answer = program("server", place, "--stop", code=0)
        assert "until the last process that uses it ends" in answer.out
        assert answers(server.conninfo)
        url = program("server", place, "--detach", code=0).out.strip()
    assert answers(url)


def test_killed_server_leaves_nothing_behind(foreground, place, program):
    process, url = foreground()
    base = private_folder(place)
    process.kill()
    process.wait()
    assert gone(url)
    again = program("server", place, "--detach", code=0).out.strip()
    assert answers(again)
    program("server", place, "--stop", code=0)
    assert not base.exists()
    known = {"data", "postgres.log", "pgbraid.lock", "pgbraid.stay", "pgbraid.users"}
    assert {path.name for path in place.iterdir()} == known


def test_request_to_stop_of_killed_process_is_not_for_next_server(program, place):
    program("server", place, "--detach", code=0)
    program("server", place, "--stop", code=0)
    (place / "pgbraid.stay").write_text("stop\n")
    url = program("server", place, "--detach", code=0).out.strip()
    assert answers(url)
    assert program("server", place, "--status", "--json", code=0).json["staying"] is True


def test_end_of_server_follows_no_document(program, place):
    process = program.start("server", str(place), "--json")
    head = "".join(iter(process.stdout.readline, "}\n")) + "}"
    assert json.loads(head)["running"] is True
    os.kill(postmaster(place), signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (4, "")
    assert f"ERROR:  the server of {place} has ended" in err


def test_end_of_server_is_error(foreground, place):
    process, url = foreground()
    os.kill(postmaster(place), signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert f"ERROR:  the server of {place} has ended" in err
    assert not answers(url)


def test_port_requires_password_of_url(program, place, port):
    url = program("server", place, "--detach", "--port", port, code=0).out.strip()
    parts = urlsplit(url)
    assert (parts.hostname, parts.port, parts.username) == ("127.0.0.1", port, "postgres")
    assert answers(url)
    assert not answers(url, password=str(port))
    assert not answers(f"postgresql://postgres@127.0.0.1:{port}/postgres")
    with psycopg.connect(url) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    secret = place / "pgbraid.password"
    assert secret.read_text().strip() == parts.password
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert parts.password not in (place / "postgres.log").read_text()


def test_url_with_port_is_same_after_restart(program, place, port):
    first = program("server", place, "--detach", "--port", port, code=0).out
    base = private_folder(place)
    program("server", place, "--stop", code=0)
    assert not base.exists()
    assert program("server", place, "--detach", "--port", port, code=0).out == first


def test_up_joins_server_with_port(program, place, port, folder):
    folder.write(_1_a="CREATE TABLE a ()")
    url = program("server", place, "--detach", "--port", port, code=0).out.strip()
    program("up", "--embedded", place, code=0)
    program("check", env={"PGBRAID_DATABASE_URL": url}, code=0)
    assert program("server", place, "--status", code=0).out.strip() == url


def test_killed_server_with_port_leaves_nothing_behind(foreground, place, program, port):
    process, url = foreground("--port", str(port))
    base = private_folder(place)
    process.kill()
    process.wait()
    assert gone(url)
    assert answers(program("server", place, "--detach", code=0).out.strip())
    assert not base.exists()


def test_server_without_port_is_not_given_one(program, place, port):
    program("server", place, "--detach", code=0)
    answer = program("server", place, "--detach", "--port", port, code=4)
    assert "runs already, and listens on no port" in answer.err
    assert f"`pgbraid server {place} --stop`" in answer.err
    assert program("server", place, "--status", code=0)


def test_port_in_use_is_named(program, place):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = program("server", place, "--port", port, code=4)
    assert f"the port {port} of 127.0.0.1 cannot be used" in answer.err
    assert "Name another port with --port" in answer.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--port", "0"], "is not a port"),
        (["--port", "65536"], "is not a port"),
        (["--database", "postgresql://h/d"], "does not take --database"),
        (["--embedded", "x"], "does not take --embedded"),
        (["--stop", "--detach"], "not allowed with"),
    ],
)
def test_wrong_usage_is_explained(program, place, words, text):
    assert text in program("server", place, *words, code=2).err
    assert not place.exists()


def test_folder_with_long_path_has_url_that_works(program, tmp_path, programs):
    place = tmp_path / ("long-" * 20)
    tmp_path.chmod(0o755)
    url = program("server", place, "--detach", code=0).out.strip()
    try:
        assert answers(url)
        assert str(place) not in url
    finally:
        program("server", place, "--stop", code=0)
    assert not Path(place / "pgbraid.socket").is_symlink()


def test_up_waits_for_server_that_restarts_and_creates_database(program, place, port, folder):
    folder.write(_1_a="CREATE TABLE a ()")
    words = ("server", place, "--detach", "--port", port)
    url = program(*words, code=0).out.strip().removesuffix("/postgres") + "/app"
    program("server", place, "--stop", code=0)
    waiting = Program(program.cwd, {**program.env, "PGBRAID_DATABASE_URL": url})
    process = waiting.start("up", "--create", "--wait", "60s")
    assert process.stderr.readline().startswith("waiting for the server: cannot connect to")
    program(*words, code=0)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err.startswith("NOTE:  created the database app\n")
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT version FROM applied_migrations").fetchall() == [(1,)]


def test_programs_may_be_named_by_a_relative_path(program, place, programs):
    env = {"PGBRAID_PG_BIN": os.path.relpath(programs, program.cwd)}
    url = program("server", place, "--detach", env=env, code=0).out.strip()
    assert answers(url)
