"""Output streams: closed pipes, full disks, terminals."""

import os
import pty
import select
import subprocess
import sys

import pytest


def on_terminal(cli, *words, typed=None):
    """Run the program on a pseudo-terminal; return its output and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cli.cwd)
        os.execve(
            sys.executable, [sys.executable, "-m", "pgbraid", *words], cli.env | {"TERM": "xterm"}
        )
    seen = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        seen += data
        if typed and b"Type yes" in seen:
            os.write(terminal, typed.encode())
            typed = None
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return seen.decode(), os.waitstatus_to_exitcode(status)


def test_progress_bar_on_terminal_leaves_nothing(cli, incident):
    seen, code = on_terminal(cli, "up")
    assert code == 0
    assert "[........................] 1/3 101_users" in seen
    assert "[################........] 3/3 104_index" in seen
    last = [line.rpartition("\x1b[K")[2] for line in seen.split("\r\n")]
    assert last[0].startswith("  101_users")
    assert not any("[#" in line for line in last)


@pytest.mark.parametrize(("typed", "code", "versions"), [("yes\n", 0, []), ("n\n", 1, [1])])
def test_undo_asks_on_terminal(cli, folder, database, typed, code, versions):
    folder.put("1_a.up.sql", "CREATE TABLE a ()").put("1_a.down.sql", "DROP TABLE a")
    cli("up", code=0)
    seen, answer = on_terminal(cli, "undo", "1", typed=typed)
    assert "Run migrations/1_a.down.sql on" in seen
    assert answer == code
    assert database.versions() == versions


def test_closed_pipe_is_no_traceback(cli, folder):
    for n in range(500):
        folder.put(f"{n}_m.sql", "SELECT 1")
    run = cli.start("plan")
    run.stdout.close()
    assert "Traceback" not in run.stderr.read()
    run.wait(timeout=30)
    run.stderr.close()


def test_ascii_terminal_gets_escapes_not_traceback(cli, folder):
    folder.put("1_é.sql", "SELECT 1")
    env = {"PYTHONIOENCODING": "ascii"}
    assert "1_\\xe9" in cli("up", env=env, code=0).out


def shell(cli, command):
    """Run a shell command in which ``pgbraid`` is the program."""
    return subprocess.run(
        ["/bin/bash", "-c", command.replace("pgbraid", f"{sys.executable} -m pgbraid")],
        cwd=cli.cwd,
        env=cli.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def many(folder):
    return folder.write(**{f"_{n}_m": f"SELECT {n}" for n in range(1, 10)})


@pytest.mark.parametrize(
    "command",
    [
        "pgbraid up | true",
        "pgbraid up | head -1",
        "pgbraid up >&-",
        "pgbraid up 2>&-",
        "pgbraid up >&- 2>&-",
        "pgbraid up > /dev/full",
        "pgbraid up --json | true",
        "pgbraid up -v 2> /dev/full",
    ],
)
def test_reader_that_goes_away_does_not_end_run(cli, folder, database, command):
    many(folder)
    answer = shell(cli, f"set -o pipefail; {command}")
    assert database.versions() == list(range(1, 10))
    assert "Traceback" not in answer.stderr
    assert "Exception ignored" not in answer.stderr
    assert answer.returncode == 0


def test_full_disk_is_reported(cli, folder):
    many(folder)
    answer = shell(cli, "pgbraid status > /dev/full")
    assert "cannot write the answer: No space left on device" in answer.stderr
