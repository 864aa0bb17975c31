"""Servers that another program started on the data, and hostile programs inside a server."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scenes read /proc")
LAYOUTS = []
RUNS = 4
"""How often a run races; a hundred times where it is tried in earnest."""


def layout(function):
    LAYOUTS.append(function)
    return function


@pytest.mark.parametrize("arrange", LAYOUTS, ids=lambda layout: layout.__name__)
def test_foreign_server_keeps_running_with_its_files(scene, arrange):
    scene.try_layout(arrange)


def foreign(scene, *options, folder=None, port=5432):
    """Start a server by hand, with its socket in a folder that has other files, too."""
    folder = folder or scene.put(scene.path / "mine", owner=scene.owner)
    scene.put(folder / "precious.txt", "", owner=scene.owner)
    scene.foreign("-k", folder, "-c", "listen_addresses=", *options)
    scene.await_ping(folder, port)
    return folder


@layout
def a_server_started_by_hand(scene):
    scene.has_data()
    return {"expected": f"host={foreign(scene)}"}


@layout
def a_server_started_as_the_manual_says(scene):
    scene.has_data()
    scene.foreign()
    scene.await_ping(scene.data)
    return {"expected": f"host={scene.data}"}


@layout
def a_server_on_another_port(scene):
    scene.has_data()
    return {"expected": f"host={foreign(scene, '-p', '5544', port=5544)}"}


@layout
def a_server_whose_socket_folder_is_named_as_ours_are(scene):
    scene.has_data()
    base = scene.put(scene.temporary / "pgbraid-embedded-abcdefgh", owner=scene.owner)
    folder = scene.put(base / "run", owner=scene.owner)
    return {"expected": f"host={foreign(scene, folder=folder)}"}


@layout
def a_server_without_a_socket(scene):
    scene.has_data()
    port = 40000 + os.getpid() % 9999
    settings = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
    scene.foreign(*settings, "-p", str(port))
    scene.await_ping("127.0.0.1", port)
    return {"expected": "listens on no Unix socket"}


@layout
def a_server_whose_socket_is_gone(scene):
    scene.has_data()
    (foreign(scene) / ".s.PGSQL.5432").unlink()
    return {"expected": "does not accept connections on its socket"}


@layout
def a_server_that_was_killed(scene):
    scene.has_data()
    foreign(scene)
    killed = scene.processes.pop()
    killed.kill()
    killed.wait()
    while any(is_in(process, scene.data) for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.01)  # its children notice it a moment later


def is_in(process, folder):
    try:
        return (process / "cwd").samefile(folder)
    except OSError:
        return False


@layout
def a_server_on_other_data_that_is_named(scene):
    """postmaster.pid was copied; its number and socket are those of a running server."""
    subprocess.run(["cp", "-Rp", scene.model, scene.path / "other"], check=True)
    scene.made |= {scene.path / "other"}
    folder = scene.put(scene.path / "mine", owner=scene.owner)
    scene.foreign("-k", folder, "-c", "listen_addresses=", data=scene.path / "other" / "data")
    scene.await_ping(folder)
    scene.has_data()
    scene.names_in_pid_file(scene.processes[-1].pid, folder)


@layout
def a_server_on_other_data_behind_the_socket(scene):
    """The server on the socket is not the one whose number is in the file."""
    a_server_on_other_data_that_is_named(scene)
    (scene.data / "postmaster.pid").unlink()
    scene.names_in_pid_file(scene.sleeper(scene.owner, cwd=scene.data), scene.path / "mine")
    return {"expected": "cannot verify that the server on the socket in"}


def test_joined_foreign_server_is_used(scene):
    scene.has_data()
    folder = foreign(scene)
    assert "host=" in scene.run(sql=["CREATE TABLE mine ()"])
    with psycopg.connect(f"host={folder} user=postgres dbname=postgres") as conn:
        assert conn.execute("SELECT count(*) FROM mine").fetchone() == (0,)


# A migration may run programs as the server's user; for root that user is hostile.


def program(text):
    return f"COPY (SELECT 1) TO PROGRAM $sh${text}$sh$"


def pid_file_of(scene, pid, sockets):
    lines = "\\n".join([str(pid), str(scene.data), "1", "5432", str(sockets), "", "1 1", "ready"])
    return f"printf '{lines}\\n' > postmaster.pid"


def test_program_of_migration_cannot_choose_deleted_files(scene):
    def arrange(scene):
        scene.has_data()
        rewritten = pid_file_of(scene, 999999999, scene.canary / "runner")
        killed = "kill -9 $(head -n 1 postmaster.pid)"
        scene.run(sql=[program(f"cat > /dev/null; {killed}; {rewritten}")])
        return {}

    scene.try_layout(arrange)


def test_program_of_migration_cannot_choose_signalled_process(scene):
    def arrange(scene):
        scene.has_data()
        rewritten = pid_file_of(scene, scene.sleeper(scene.runner), scene.canary / "runner")
        return {"sql": [program(f"cat > /dev/null; {rewritten}")]}

    scene.try_layout(arrange)


@pytest.mark.parametrize("lasting", [True, False])
def test_program_of_migration_leaves_links_that_are_not_followed(scene, lasting):
    def arrange(scene):
        if lasting:
            scene.has_data()
        canary, base = scene.canary / "runner", "$(dirname $(sed -n 5p postmaster.pid))"
        links = [
            f"ln -s {canary} linked",
            f"ln -s {canary}/precious.txt base/linked",
            f"rm -f PG_VERSION; ln -s {canary}/precious.txt PG_VERSION",
            f"ln -s {canary} {base}/run/linked; ln -s {canary} {base}/linked",
            f"rm -rf {base}/log; ln -s {canary}/precious.txt {base}/log",
            f"rm -f {base}/owner {base}/alive",
        ]
        return {"lasting": lasting, "sql": [program(f"cat > /dev/null; {'; '.join(links)}")]}

    if lasting or scene.owner == scene.runner:  # unknown files in our folder are not removed
        scene.made |= {scene.temporary, scene.memory}
    scene.try_layout(arrange)


def test_folder_moved_into_data_keeps_files_of_other_users(scene):
    def arrange(scene):
        given = scene.put(scene.memory / "given", owner=scene.owner)
        foreign = scene.put(given / "kept", owner=scene.other)
        scene.put(foreign / "precious.txt", "", owner=scene.other)
        return {"lasting": False, "sql": [program(f"cat > /dev/null; mv {given} .")]}

    assert "host=" in scene.run(**arrange(scene))
    assert [path.read_text() for path in scene.memory.rglob("precious.txt")] == [""]


RACES = """
import random
canary, data = Path(given["canary"]), Path(given["data"])
def attempt(function, *values):
    if random.random() < 0.02:
        try:
            function(*values)
        except OSError:
            pass
print(flush=True)
while True:
    bases = [b for p in given["places"] for b in Path(p).glob("pgbraid-embedded-*")]
    for base in bases:
        for name in ("data", "run", "log", "owner", "alive", "template", "linked"):
            attempt(os.rename, base / name, base / "moved")
            attempt(os.symlink, canary, base / name)
        attempt(os.rename, base, f"{base}-moved")
        attempt(os.symlink, canary, base)
        for folder in (base / "run", base / "data"):
            for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock", "base", "PG_VERSION", "pg_wal"):
                attempt(os.rename, folder / name, folder / "moved")
                attempt(os.symlink, canary, folder / name)
    named = data / "postmaster.pid"
    attempt(os.unlink, named)
    attempt(os.symlink, canary / "precious.txt", named)
    lines = [given["pid"], data, 1, 5432, canary, "", "1 1", "ready"]
    attempt(named.write_text, "\\n".join(map(str, lines)))
    time.sleep(0.001)
"""


@pytest.mark.parametrize("lasting", [True, False])
def test_program_racing_with_runs_of_root_does_no_harm(scene, lasting):
    if scene.owner == scene.runner:
        pytest.skip("a program that runs as the user has all rights of the user")
    scene.has_data()
    given = {"canary": str(scene.canary / "runner"), "pid": scene.sleeper(scene.runner)}
    places = [str(scene.temporary), str(scene.memory)]
    scene.act(scene.owner, RACES, **given, data=str(scene.data), places=places)
    scene.made |= {scene.temporary, scene.memory}
    for _ in range(RUNS):
        before = scene.listing()
        answer = scene.run(lasting=lasting, lock_retry=1)
        assert not answer.startswith("code"), answer
        assert scene.listing() == before
        assert all(process.poll() is None for process in scene.processes)


def test_servers_processes_have_none_of_roots_environment(scene):
    if scene.owner == scene.runner:
        pytest.skip("an ordinary user's server may have that user's environment")
    out = scene.temporary / "environment"
    sql = [program(f"cat > /dev/null; env > {out}")]
    scene.run(lasting=False, sql=sql, env={"PGBRAID_DATABASE_URL": "postgresql://u:hush@h/d"})
    assert "PATH=" in out.read_text()
    assert "hush" not in out.read_text()


# Our servers, after their processes have ended.


@pytest.mark.parametrize("lasting", [True, False])
def test_server_stops_with_last_killed_process(scene, lasting):
    if lasting:
        scene.has_data()
    answer = scene.run(then="os.kill(os.getpid(), 9)", lasting=lasting)
    sockets = answer.removeprefix("host=")
    scene.await_ping(sockets, answer=psycopg.pq.Ping.NO_RESPONSE)
    assert "host=" in scene.run(lasting=lasting)
    deadline = time.monotonic() + 30
    while any([*scene.temporary.iterdir(), *scene.memory.iterdir()]):  # until its watcher ends
        assert time.monotonic() < deadline
        assert "host=" in scene.run(lasting=lasting)


def test_server_keeps_running_for_users_when_starter_is_killed(scene):
    scene.has_data()
    first = scene.use()
    second = scene.use()
    assert first.host == second.host
    first.kill()
    assert second.ask("SELECT 1") == "1"
    second.leave()
    scene.await_ping(second.host, answer=psycopg.pq.Ping.NO_RESPONSE)
    assert list(scene.temporary.iterdir()) == []


def test_server_without_its_watcher_is_joined_and_left_alone(scene):
    scene.has_data()
    first = scene.use()
    pid = int((scene.data / "postmaster.pid").read_text().split()[0])
    for watcher in children(pid):
        with suppress(OSError):  # one of the children may have ended
            if b"farewell" in Path(f"/proc/{watcher}/cmdline").read_bytes():
                os.kill(watcher, signal.SIGKILL)
    first.kill()
    assert scene.run() == f"host={first.host}"
    scene.await_ping(first.host)
    os.kill(pid, signal.SIGINT)


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
