"""Each example boots with eight processes, of which one is killed while the server restarts.

The last migration waits for a row of the table gate, so that the test decides when it ends.
"""

import http.client
import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

import pgbraid
from tests.fixtures.pods import Pod, Pods

ROOT = Path(__file__).parents[2]
EIGHT = 8
GATE = """
DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.05); END LOOP;
END $$;
CREATE TABLE after_gate ();
"""
IN_MIGRATION = (
    "SELECT application_name FROM pg_stat_activity"
    " WHERE state = 'active' AND query LIKE '%FROM gate%' AND pid <> pg_backend_pid()"
)
UP = [sys.executable, "-m", "pgbraid", "up"]
BIN = Path(sys.executable).parent
GUNICORN = f"{BIN}/gunicorn --workers 1 --bind unix:{{socket}}"


@dataclass(frozen=True)
class Example:
    """A folder of examples/, its command with the path of a socket, and who migrates."""

    name: str
    command: str
    path: str
    jobs: int
    """How many of the eight processes are a Job with `pgbraid up`; 0: each process migrates."""
    init: str = ""
    """The command of the init container."""


EXAMPLES = (
    Example("fastapi", f"{BIN}/uvicorn app:app --uds {{socket}}", "/ready", 2),
    Example("flask", f"{sys.executable} app.py unix://{{socket}}", "/ready", 2),
    Example("gunicorn", f"{GUNICORN} app:app", "/", 0),
    Example(
        "django",
        f"{GUNICORN} shop.wsgi",
        "/customers",
        0,
        init=f"{sys.executable} manage.py pgbraid_up",
    ),
    Example(
        "celery",
        f"{BIN}/celery --app tasks worker --pool solo --queues {{name}} --hostname {{name}}"
        " --without-gossip --without-mingle --without-heartbeat",
        "",
        2,
    ),
)
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


class UnixConnection(http.client.HTTPConnection):
    """A connection of HTTP to a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


@dataclass
class Site:
    """A copy of an example, and the database of its processes."""

    example: Example
    folder: Path
    url: str
    sockets: Path

    def rows(self, query):
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(query)
            return [row[0] for row in cursor] if cursor.description else []

    def env(self, name=""):
        keep = ("PATH", "HOME", "TMPDIR", "LANG", "PGBRAID_PG_BIN", "XDG_CACHE_HOME")
        kept = {name: os.environ[name] for name in keep if name in os.environ}
        broker = self.folder / "broker" / name  # its files are safe for one worker only
        (broker / "control").mkdir(parents=True, exist_ok=True)
        return {
            **kept,
            "DATABASE_URL": self.url,
            "BROKER_URL": "filesystem://",
            "BROKER_FOLDER": str(broker),
            "PYTHONUNBUFFERED": "1",
        }

    def pod(self, name, *, job=False):
        command = self.example.command.format(socket=self.sockets / name, name=name)
        log = self.folder / f"{name}.log"
        words, init = (UP, []) if job else (command.split(), self.example.init.split())
        return Pod(name, words, self.folder, self.env(name), log, init)

    def serves(self, name):
        """Whether a process answers; a worker of Celery has inserted a row."""
        if not self.example.path:
            return name in self.rows("SELECT name FROM customers")
        connection = UnixConnection(self.sockets / name)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", self.example.path)
            return connection.getresponse().status == http.client.OK
        return False

    def send_tasks(self, names):
        """Send a task to each worker of Celery, over the broker of its own."""
        code = "import sys, tasks; tasks.add_customer.apply_async([sys.argv[1]], queue=sys.argv[1])"
        for name in names:
            words = [sys.executable, "-c", code, name]
            subprocess.run(words, cwd=self.folder, env=self.env(name), check=True)


@pytest.fixture
def site(example, cluster, tmp_path):
    if example.name == "django" and int(cluster.database.value("SHOW server_version_num")) < 140000:
        pytest.skip("Django 5.2 needs PostgreSQL 14")
    folder = tmp_path / example.name
    shutil.copytree(ROOT / "examples" / example.name, folder)
    (folder / "migrations" / "900_gate.sql").write_text(GATE)
    url = str(cluster.database.conninfo)
    made = Site(example, folder, url, cluster.sockets)
    made.rows("CREATE TABLE gate (open bool)")
    return made


@each_example
def test_eight_processes_boot_although_one_is_killed_and_server_restarts(site, cluster, example):
    jobs = [f"job{n}" for n in range(example.jobs)]
    apps = [f"app{n}" for n in range(EIGHT - example.jobs)]
    with Pods([*(site.pod(n, job=True) for n in jobs), *(site.pod(n) for n in apps)]) as pods:
        (victim,) = pods.until(lambda: site.rows(IN_MIGRATION))
        assert not any(site.serves(name) for name in apps if example.path)
        pods.named(victim).kill()
        cluster.stop()
        cluster.start()
        pods.until(lambda: site.rows(IN_MIGRATION))
        site.rows("INSERT INTO gate VALUES (true)")
        pods.until(lambda: site.rows("SELECT 1 FROM applied_migrations WHERE version = 900"))
        if not example.path:
            site.send_tasks(apps)
        for name in apps:
            pods.until(lambda name=name: site.serves(name))
        assert pods.done <= set(jobs)
        if example.jobs:  # a process that waits survives the restart of the server
            assert {pods.named(name).starts for name in apps} == {1}, pods.logs()
        check = pgbraid.load(site.folder / "migrations", settings=False).check(site.url)
        assert (check.ok, check.applied) == (True, 3)
        assert site.rows("SELECT to_regclass('after_gate')::text") == ["after_gate"]
        newer = {path.name: path.read_text() for path in (site.folder / "migrations").glob("*.sql")}
        newer["901_newer.sql"] = "CREATE TABLE newer ()"
        pgbraid.load(newer, settings=False).up(site.url)
        assert all(site.serves(name) for name in apps)  # an older release stays ready
        ended = [pods.named(name).terminate() for name in apps]
        assert {pod.exit_code() for pod in ended} <= {0, 143, -15}, pods.logs()


@each_example
def test_sigterm_ends_process_that_waits_or_migrates(site, example):
    """Only a process with the example's own handler ends as the first process of a container."""
    pod = site.pod("alone")
    with Pods([pod]) as pods:
        if example.jobs:
            query = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'alone'"
            pods.until(lambda: site.rows(query))
        else:
            pods.until(lambda: site.rows(IN_MIGRATION))
        code = pod.terminate().exit_code()
        assert code > 0, (code, pods.logs())
        assert pod.starts == 1
        pods.until(lambda: not site.rows(IN_MIGRATION))


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.name == "celery"], ids=["celery"])
def test_worker_does_not_start_without_migrations(site):
    command = site.example.command.format(name="alone").split()
    done = subprocess.run(
        command,
        cwd=site.folder,
        env={**site.env(), "READY_TIMEOUT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "the database is not ready: not ready: 3 migrations are not applied" in done.stderr


@pytest.mark.parametrize("example", EXAMPLES[:2], ids=lambda example: example.name)
def test_readiness_route_fails_while_server_is_away(site, cluster, example):
    (site.folder / "migrations" / "900_gate.sql").unlink()
    pgbraid.load(site.folder / "migrations", settings=False).up(site.url)
    with Pods([site.pod("alone")]) as pods:
        pods.until(lambda: site.serves("alone"))
        cluster.stop()
        assert not site.serves("alone")
        cluster.start()
        assert site.serves("alone")
        assert pods.pods[0].starts == 1
