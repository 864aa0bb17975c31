"""A real PgBouncer before a server, where this machine has one."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from devtools.checkout import Skip
from devtools.cluster import socket_folder
from devtools.database import Database, await_true
from pgbraid.postgres.server.os_user import server_user

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Bouncer", "running_bouncer"]

_PROGRAM = "pgbouncer"
_USUAL = "/usr/sbin/pgbouncer"
_PORT = "6432"
_CONFIG = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr =
listen_port = {own_port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 400
server_idle_timeout = 0
"""


@dataclass(frozen=True, slots=True)
class Bouncer:
    """A running PgBouncer; in transaction mode a client keeps a backend for a transaction."""

    folder: Path
    version: str
    size: int

    def before(self, database: Database) -> Database:
        """Return a database of its server as it is reached through it."""
        conninfo = make_conninfo(database.conninfo, host=str(self.folder), port=_PORT)
        return Database(conninfo)


def _program() -> str:
    found = shutil.which(_PROGRAM) or (_USUAL if Path(_USUAL).exists() else None)
    if found is None:
        raise Skip("there is no pgbouncer on this machine; its package manager has one")
    return found


@contextmanager
def running_bouncer(server: Database, mode: str, size: int = 20) -> Iterator[Bouncer]:
    """Run one before a server as long as the block lasts. Raises Skip where there is none."""
    program, user = _program(), server_user()
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = said.stdout.splitlines()[0]
    folder = socket_folder()
    place = conninfo_to_dict(server.conninfo)
    settings = {"host": place["host"], "port": place["port"], "own_port": _PORT}
    config = folder / "config"
    config.write_text(_CONFIG.format(**settings, folder=folder, mode=mode, size=size))
    (folder / "users").write_text('"postgres" ""\n')
    for file in folder.iterdir():
        user.chown(file)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(config)], stdout=log, stderr=log, cwd="/", **user.popen()
        )
    bouncer = Bouncer(folder, version, size)
    try:
        if not await_true(lambda: _answers(bouncer.before(server))):
            raise Skip(f"{version} does not start: {(folder / 'log').read_text()[-300:]}")
        yield bouncer
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _answers(database: Database) -> bool:
    try:
        return bool(database.value("SELECT true"))
    except psycopg.OperationalError:
        return False
