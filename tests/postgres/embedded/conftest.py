"""A scene for hostile layouts: the folders around an embedded server, with canaries in them.

For every layout, a run may change only files that it created: a full listing of the scene, with
contents, owners and modes, is the same before and after, and every process of the layout is still
alive. Each layout is tried as root, whose server runs as another user, and as an ordinary user.
"""

import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from psycopg import pq

from pgbraid.postgres.server.binaries import find_programs
from pgbraid.postgres.server.os_user import reachable_programs, server_user

PLACE = next(place for place in ("/dev/shm", "/tmp") if os.access(place, os.W_OK))  # noqa: S108
ROOT = os.geteuid() == 0
ACT = """
import json, os, signal, socket, sys, tempfile, time, traceback
from pathlib import Path
import psycopg, pwd, encodings.idna
from pgbraid.postgres.server import data_dir
from pgbraid.postgres.server import embedded
from pgbraid.postgres.server import running_server
from pgbraid.postgres.server import persistent
from pgbraid.postgres.server import process
from pgbraid.model.errors import EmbeddedError

def become(uid, gid):
    if os.geteuid() != uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
"""
"""What a process of a scene begins with: it imports while it may, then becomes a user."""
ALONE = """
become(*json.loads(sys.argv[1]))
given = json.loads(sys.argv[2])
"""
MANY = """
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if not child:
        for file, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), file)
        code = 1
        signal.alarm(100)
        try:
            os.environ.update(order["env"])
            become(*order["user"])
            exec(order["code"], globals() | {"given": order["given"]})
            code = 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""Runs pieces of code, each in a fork of its own, which saves each the imports."""
RUN = """
tempfile.tempdir = given["temporary"]
data_dir._MEMORY, data_dir.SHARED_CACHE = Path(given["memory"]), Path(given["shared"])
data_dir._TEMPORARY = Path(given["temporary"])
time.time = lambda now=time.time: now() + given["later"]
running_server._SILENCE = persistent._TURN = 0.5
running_server.SERVER_TIMEOUT = process.SERVER_TIMEOUT = given["patience"]
folder = Path(given["folder"]) if given["folder"] else None
try:
    with embedded.embedded_server(
        folder, programs=given["programs"], cache=Path(given["cache"])
    ) as server:
        try:
            with psycopg.connect(server.conninfo, autocommit=True) as conn:
                for statement in given["sql"]:
                    conn.execute(statement)
        except psycopg.Error as error:
            print(error, file=sys.stderr)
        print(json.dumps({"host": server.conninfo.split(" port=")[0]}), flush=True)
        exec(given["then"])
except EmbeddedError as error:
    print(json.dumps({"refused": f"{error.message}\\n{error.detail}\\n{error.hint}"}))
"""


def entry_of(path):
    info = path.lstat()
    entry = [oct(info.st_mode), info.st_uid, info.st_gid]
    if stat.S_ISLNK(info.st_mode):
        entry.append(str(path.readlink()))
    elif not stat.S_ISDIR(info.st_mode):
        entry += [info.st_nlink, info.st_mtime_ns]
    if stat.S_ISREG(info.st_mode):
        content = path.read_bytes() if info.st_size < 1 << 20 else b""
        entry += [info.st_size, hashlib.sha256(content).hexdigest()]
    return entry


class Use:
    """A process that uses the server of a scene until it is stopped."""

    def __init__(self, scene):
        then = (
            "for line in sys.stdin:\n"
            "  with psycopg.connect(server.conninfo) as conn:\n"
            "    print(conn.execute(line).fetchone()[0], flush=True)"
        )
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(
            scene.words(scene.runner, RUN, scene.given(then=then)), **pipes
        )
        self.host = json.loads(self.process.stdout.readline())["host"].removeprefix("host=")

    def ask(self, query):
        self.process.stdin.write(f"{query}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def leave(self):
        self.process.communicate()

    def kill(self):
        self.process.kill()
        self.process.communicate()


class Forks:
    """A process that runs code as a given user."""

    def __init__(self, path):
        self.path = path
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", ACT + MANY], **pipes)

    def do(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        self.process.communicate()


@dataclass
class Scene:
    """The folders of one layout, whose server is started by ``runner`` and runs as ``owner``."""

    path: Path
    programs: Path
    model: Path
    runner: tuple[int, int]
    owner: tuple[int, int]
    forks: Forks
    made: set[Path] = field(default_factory=set)
    """Folders whose content a run may change, and what it may remove."""
    processes: list[subprocess.Popen] = field(default_factory=list)

    def __post_init__(self):
        self.path.chmod(0o755)
        for name in ("temporary", "memory"):
            self.put(self.path / name, mode=0o1777)
        for name in ("cache", "shared"):
            self.put(self.path / name, owner=self.runner)
        self.cache = self.path / "cache"
        self.canary = self.put(self.path / "canary", owner=self.runner)
        for name, owner in (("runner", self.runner), ("owner", self.owner)):
            folder = self.put(self.canary / name, owner=owner, mode=0o700)
            self.put(folder / "precious.txt", f"precious of the {name}\n", owner=owner)
            self.put(folder / ".s.PGSQL.5432", "", owner=owner)
            (folder / "link").symlink_to(folder / "precious.txt")
        self.precious = self.canary / "runner" / "precious.txt"

    folder = property(lambda self: self.path / "db")
    data = property(lambda self: self.folder / "data")
    temporary = property(lambda self: self.path / "temporary")
    memory = property(lambda self: self.path / "memory")

    @property
    def other(self):
        """A third user, for whom only root can act."""
        if not ROOT:
            pytest.skip("only root can act for another user")
        entry = pwd.getpwnam("daemon" if self.runner[0] else "games")
        return entry.pw_uid, entry.pw_gid

    def put(self, path, content=None, *, owner=None, mode=None):
        """Make a file, or without content a folder."""
        if content is None:
            path.mkdir()
        else:
            path.write_text(content)
        self.give(path, owner or self.runner)
        path.chmod(mode or (0o755 if content is None else 0o600))
        return path

    def give(self, path, owner):
        if ROOT:
            os.chown(path, *owner, follow_symlinks=False)

    def has_data(self):
        """Add a data folder that a server has used."""
        subprocess.run(["cp", "-Rp", self.model, self.folder], check=True)
        self.made |= {self.folder}
        return self.folder

    def names_in_pid_file(self, pid, sockets, port=5432):
        lines = [str(pid), str(self.data), "1", str(port), str(sockets), "", "1 1", "ready"]
        self.put(self.data / "postmaster.pid", "\n".join(lines) + "\n", owner=self.owner)

    def start(self, words, owner, **options):
        """Start a process as a user; it must be alive at the end."""
        uid, gid = owner
        drop = {"user": uid, "group": gid, "extra_groups": []} if ROOT else {}
        process = subprocess.Popen(words, **{"cwd": "/", **drop, **options})
        self.processes.append(process)
        return process

    def sleeper(self, owner, **options):
        return self.start(["sleep", "1000"], owner, **options).pid

    def words(self, user, code, given):
        return [sys.executable, "-c", ACT + ALONE + code, json.dumps(user), json.dumps(given)]

    def act(self, owner, code, **given):
        """Run Python code as a user; it prints a line when it is ready. Return that line."""
        words = self.words(owner, code, given)
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process.stdout.readline().strip()

    def foreign(self, *options, data=None):
        """Start a server by hand on the data, as the user who owns them."""
        words = [self.programs / "postgres", "-D", data or self.data, *options]
        return self.start(words, self.owner, stderr=subprocess.DEVNULL)

    def await_ping(self, sockets, port=5432, answer=pq.Ping.OK):
        conninfo = f"host={sockets} port={port} user=postgres dbname=postgres"
        deadline = time.monotonic() + 30
        while pq.Ping(pq.PGconn.ping(conninfo.encode())) != answer:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def given(self, *, lasting=True, sql=("SELECT 1",), then="", later=0, lock_retry=60):
        given = {name: str(getattr(self, name)) for name in ("temporary", "memory", "cache")}
        given |= {"programs": str(self.programs), "shared": str(self.path / "shared")}
        given |= {"folder": str(self.folder) if lasting else None, "sql": sql}
        return given | {"then": then, "later": later, "patience": lock_retry}

    def run(self, env=None, **options):
        """Use the embedded server; return where it was, or why it was refused."""
        out, err = (self.forks.path / name for name in ("out", "err"))
        order = {"out": str(out), "err": str(err), "env": env or {}, "code": RUN}
        code = self.forks.do({**order, "user": self.runner, "given": self.given(**options)})
        self.said = err.read_text()
        if not out.read_text():
            return f"code {code}: {self.said}"
        answer = json.loads(out.read_text().splitlines()[-1])
        return answer.get("refused") or answer["host"]

    def use(self):
        return Use(self)

    def listing(self):
        """Return everything in the scene that no run created."""
        entries = {}
        for parent, folders, files in os.walk(self.path):
            folders[:] = [name for name in folders if Path(parent, name) not in self.made]
            for path in (Path(parent, name) for name in (*folders, *files)):
                if path not in self.made and not path.match("cache/template-*"):
                    entries[str(path)] = entry_of(path)
        return entries

    def try_layout(self, layout):
        """Arrange a layout, use the server, and assert that nothing else changed."""
        options = layout(self) or {}
        expected = options.pop("expected", "")
        pids = [process.pid for process in self.processes]
        before = self.listing()
        answer = self.run(**options)
        after = self.listing()
        keys = [key for key in before | after if before.get(key) != after.get(key)]
        assert [(key, before.get(key), after.get(key)) for key in keys] == []
        assert [process.pid for process in self.processes if process.poll() is None] == pids
        assert expected in answer, (answer, self.said)
        assert ("host=" in answer) == (not expected or expected.startswith("host=")), answer
        return answer

    def clear(self):
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        shutil.rmtree(self.path, ignore_errors=True)


def ids_of(name):
    entry = pwd.getpwnam(name)
    return entry.pw_uid, entry.pw_gid


@pytest.fixture(scope="session", params=["root", "user"] if ROOT else ["user"])
def stage(request, programs, tmp_path_factory):
    """The parts that the scenes of one role share: its users, and a folder that was used before."""
    current = (os.geteuid(), os.getegid())
    runner = current if request.param == "root" or not ROOT else ids_of("games")
    user = server_user() if request.param == "root" else None
    reachable = reachable_programs(find_programs(programs), server_user()).folder
    owner = user.ids if user else runner
    path = Path(tempfile.mkdtemp(dir=PLACE, prefix="pgbraid-scene-"))
    forks = Forks(tmp_path_factory.mktemp("forks"))
    scene = Scene(path, reachable, path / "model", runner, owner, forks)
    scene.give(path, runner)
    assert "host=" in (answer := scene.run()), answer
    (path / "db").rename(path / "model")
    for settings in (*path.glob("cache/*/postgresql.conf"), scene.model / "data/postgresql.conf"):
        with settings.open("a") as file:
            file.write("dynamic_shared_memory_type = mmap\n")  # a killed server leaves nothing
    yield scene
    forks.end()
    scene.clear()


@pytest.fixture
def scene(stage):
    """The folders of one layout, with a cache that has the template."""
    path = Path(tempfile.mkdtemp(dir=PLACE, prefix="pgbraid-scene-"))
    scene = Scene(path, stage.programs, stage.model, stage.runner, stage.owner, stage.forks)
    scene.give(path, stage.runner)
    scene.cache = stage.cache
    yield scene
    scene.clear()
