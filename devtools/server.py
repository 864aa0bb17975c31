"""A PostgreSQL server for what is measured: default settings, data on disk, durable."""

from __future__ import annotations

import itertools
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from devtools.checkout import Skip
from pgbraid.postgres.server.binaries import ServerBinaries, find_programs, packaged_folders
from pgbraid.postgres.server.os_user import reachable_programs, server_user

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Server", "disk_folder", "running_server", "server_programs"]

_HOST = "127.0.0.1"
_PATIENCE = 60.0
_FAREWELL = 600.0
"""Seconds for the last checkpoint: there may be hundreds of thousands of files to sync."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; every run gets a database of its own, and none is ever dropped.

    Dropping leaves ext4 with deleted files that it steps over for minutes: what runs next
    then takes up to 1.7 times as long.
    """

    programs: ServerBinaries
    port: int
    pid: int
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one database."""
        return f"postgresql://postgres@{_HOST}:{self.port}/{database}?sslmode=disable"

    def new_database(self, template: str = "template1") -> str:
        """Create a database with a name that none had before, and return it."""
        name = f"run_{next(self._numbers):05d}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    @contextmanager
    def settings(self, values: dict[str, str]) -> Iterator[None]:
        """Change settings of the whole server as long as the block lasts."""
        self._alter([f"ALTER SYSTEM SET {name} = {value}" for name, value in values.items()])
        try:
            yield
        finally:
            self._alter([f"ALTER SYSTEM RESET {name}" for name in values])

    def _alter(self, statements: list[str]) -> None:
        if statements:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                for statement in (*statements, "SELECT pg_reload_conf()"):
                    connection.execute(statement)
            time.sleep(0.2)  # the postmaster reads the file after it has been told


def server_programs() -> ServerBinaries:
    """Return the programs of the embedded server, else those that pgbraid would find."""
    packaged = next(packaged_folders(), None)
    return find_programs(str(packaged) if packaged else None)


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Run a new server in a folder of its own below ``folder``; its data stay there."""
    user = server_user()
    programs = reachable_programs(server_programs(), user)
    base = Path(tempfile.mkdtemp(prefix="server-", dir=folder))
    user.chown(base)
    _initdb(programs, base / "data")
    port = _free_port()
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs.path("postgres"), "-D", str(base / "data"), *_options(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=base,
            start_new_session=True,
            **user.popen(),
        )
    server = Server(programs, port, process.pid)
    try:
        _await(server, process, base / "log")
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_FAREWELL)


def _options(port: int) -> list[str]:
    settings = (f"port={port}", f"listen_addresses={_HOST}", "unix_socket_directories=")
    return [word for setting in settings for word in ("-c", setting)]


def _initdb(programs: ServerBinaries, data: Path) -> None:
    options = ["-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(
        [programs.path("initdb"), "-D", str(data), *options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=data.parent,
        **server_user().popen(),
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        return int(listener.getsockname()[1])


def _await(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while pq.PGconn.ping(server.url().encode()) != pq.Ping.OK:
        if process.poll() is not None or time.monotonic() > deadline:
            raise Skip(f"the server did not start: {log.read_text()[-500:]}")
        time.sleep(0.01)


@contextmanager
def disk_folder() -> Iterator[Path]:
    """Yield a new temporary folder on a disk, removed at the end. Raises Skip for memory."""
    parent = Path(tempfile.gettempdir())
    if _file_system(parent) in {"tmpfs", "ramfs"}:
        raise Skip(f"{parent} is in memory; set TMPDIR to a folder on a disk")
    folder = Path(tempfile.mkdtemp(prefix="pgbraid-bench-", dir=parent))
    folder.chmod(0o755)  # the server's user passes it
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    best, found = "", ""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, kind, *_ = line.split()
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, found = point, kind
    return found
