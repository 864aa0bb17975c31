"""Fixtures: a real server for the session, a fresh database for each test, the program itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid.migrate.nontransactional import journaled_run
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.server.binaries import packaged_folders
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("corpus") and not CORPUS.is_dir():
            item.add_marker(pytest.mark.skip(reason="the shared corpus is not here"))


@pytest.fixture(scope="session")
def corpus():
    return CORPUS


@pytest.fixture(scope="session")
def programs():
    """The folder of server programs the tests use: PGBRAID_PG_BIN, else the packaged ones."""
    return os.environ.get("PGBRAID_PG_BIN") or str(next(packaged_folders()))


@pytest.fixture(scope="session")
def server(programs):
    """A connection string with the right to create databases and roles."""
    named = os.environ.get("PGBRAID_TEST_DSN")
    if named:
        yield named
        return
    with embedded_server(programs=programs, cache=cache_dir()) as embedded:
        yield embedded.conninfo


@dataclass(frozen=True)
class Database:
    """A database of the test's own."""

    conninfo: str

    def rows(self, query, *values):
        with psycopg.connect(self.conninfo, autocommit=True) as conn:
            cursor = conn.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query, *values):
        return self.rows(query, *values)[0][0]

    def run(self, query):
        self.rows(query)

    def extend(self, extension):
        """Create an extension; the test is skipped where the server has none of that name."""
        if not self.rows("SELECT name FROM pg_available_extensions WHERE name = %s", extension):
            pytest.skip(f"this server has no {extension}")
        self.run(f"CREATE EXTENSION IF NOT EXISTS {extension}")

    def versions(self, table="public.applied_migrations"):
        return [v for (v,) in self.rows(f"SELECT version FROM {table} ORDER BY version")]

    def events(self, table="public.applied_migrations_journal"):
        """Return event and version of the journal's lines, but for the one it was made with."""
        query = f"SELECT event, version FROM {table} WHERE event <> 'created' ORDER BY id"
        return self.rows(query)

    def record(self, version, name):
        """Write what another run writes when it has applied a version."""
        self.run(
            f"INSERT INTO applied_migrations (version, name) VALUES ({version}, '{name}')"
            " ON CONFLICT DO NOTHING;"
            " INSERT INTO applied_migrations_journal (run_id, event, version, name)"
            f" VALUES (gen_random_uuid(), 'applied', {version}, '{name}')"
        )

    def as_made(self):
        """Take back what the fixture did to the database: `drift` would find it."""
        if int(self.value("SHOW server_version_num")) < 150000:
            self.run("GRANT CREATE ON SCHEMA public TO PUBLIC")

    def as_role(self, role):
        return make_conninfo(self.conninfo, user=role)


@pytest.fixture(scope="session")
def watches(server):
    """Whether the server notices during a statement that its client died: from 14, on Linux."""
    with psycopg.connect(server, autocommit=True) as conn, suppress(psycopg.Error):
        conn.execute("SET client_connection_check_interval = '5s'")
        return True
    return False


@pytest.fixture
def database(server):
    name = f"pgbraid_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    found = Database(make_conninfo(server, dbname=name))
    found.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # as it is from PostgreSQL 15 on
    yield found
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def holder(database):
    """A session that holds the lock of the tracker, until it is closed."""
    with psycopg.connect(
        database.conninfo, autocommit=True, application_name="the other one"
    ) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        yield conn


@pytest.fixture
def role(server, database):
    """A login role without any right, dropped with what it owns."""
    name = f"pgbraid_role_{uuid.uuid4().hex[:12]}"
    database.run(f"CREATE ROLE {name} LOGIN")
    yield name
    database.run(f"DROP OWNED BY {name} CASCADE")
    database.run(f"DROP ROLE {name}")


@dataclass
class Folder:
    """A folder of migrations."""

    path: Path
    kept: dict[str, bytes] = field(default_factory=dict)

    def write(self, **files):
        """Write files; ``_103_add`` stands for ``103_add.sql``."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            self.put(name.removeprefix("_") + ".sql", text)
        return self

    def put(self, name, content):
        self.path.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        (self.path / name).write_bytes(data)
        return self

    def remove(self, name):
        (self.path / name).unlink()

    def load(self, **options):
        return pgbraid.load(self.path, **options)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "migrations")


@dataclass(frozen=True)
class Answer:
    """What the program said."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def heed_signals():
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@dataclass(frozen=True)
class Program:
    """The command line, run as a user runs it: in a process of its own."""

    cwd: Path
    env: dict[str, str]

    def __call__(self, *words, stdin="", env=None, code=None):
        answer = subprocess.run(
            [sys.executable, "-m", "pgbraid", *map(str, words)],
            cwd=self.cwd,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        if code is not None:
            assert answer.returncode == code, (answer.stdout, answer.stderr)
        assert "Traceback" not in answer.stderr, answer.stderr
        return Answer(answer.returncode, answer.stdout, answer.stderr)

    def start(self, *words, **options):
        """Start it and go on; it heeds signals also below a nohup or in the background."""
        return subprocess.Popen(
            [sys.executable, "-m", "pgbraid", *words],
            cwd=self.cwd,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"preexec_fn": heed_signals, **options},
        )


@pytest.fixture
def clean_env():
    keep = ("PATH", "HOME", "TMPDIR", "LANG", "PGBRAID_PG_BIN", "XDG_CACHE_HOME")
    return {k: os.environ[k] for k in keep if k in os.environ} | {"PYTHONUTF8": "1"}


@pytest.fixture
def program(tmp_path, clean_env):
    """The command line without a database."""
    return Program(tmp_path, clean_env)


@pytest.fixture
def cli(tmp_path, clean_env, database):
    """The command line with the test's database in its environment."""
    return Program(tmp_path, {**clean_env, "PGBRAID_DATABASE_URL": database.conninfo})


@pytest.fixture
def cut_before(monkeypatch):
    """A function that has the process die before it writes a line of an event."""

    def cut(event, times=1):
        real, left = journaled_run.NonTransactionalRun.append, [times]

        def write(file, entry, **options):
            if entry.event == event and left[0]:
                left[0] -= 1
                raise RuntimeError("cut")
            real(file, entry, **options)

        monkeypatch.setattr(journaled_run.NonTransactionalRun, "append", write)

    return cut


@pytest.fixture
def cut_running():
    """A function that stops a run in the middle of what waits for another session's ``hold``."""

    def cut(database, braid, hold, after=0.8):
        stop = pgbraid.StopToken()
        with psycopg.connect(database.conninfo) as other:
            other.execute(hold)
            timer = threading.Timer(after, stop.request)
            timer.start()
            with pytest.raises(pgbraid.Stopped):
                braid.up(database.conninfo, stop=stop)
            timer.join()

    return cut
