"""Connects to the server of a test run, and creates and drops the databases of the run.

The name of such a database is ``pgbraid_test_<run>_<worker>_<n>``. Every process of a run shares an
advisory lock on the number of the run; see `marked_databases.py` for how killed runs are detected.
"""

from __future__ import annotations

import itertools
import os
import selectors
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from pgbraid.model.errors import ConfigError, ConnectionFailed, ServerError, TargetRefused
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.client.conninfo import Target, parse_target
from pgbraid.postgres.client.session import statement
from pgbraid.postgres.scratch.marked_databases import (
    CONNECTION_LIMIT_MARK,
    connect_to_server,
    drop_abandoned,
    drop_marked,
    keep_session_open,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.postgres.client.connection import Connection

__all__ = ["CloneServer", "open_clone_server", "text"]

PREFIX = "pgbraid_test_"
_RUN_CLASS = 0x70677465
"""The first key of the advisory locks of test runs: ``pgte`` in ASCII."""
_PATTERN = f"^{PREFIX}([0-9]{{1,10}})_[a-z0-9]+_[0-9]+$"
_STRATEGY_SINCE = 150000
_ROWS = pq.ExecStatus.TUPLES_OK
_ANOTHER = (
    "Name another server in PGBRAID_TEST_DSN or `--pgbraid-server`, or the embedded one with "
)
_HINT = f"{_ANOTHER}`--pgbraid-server=embedded`."


def text(name: str) -> sql.Composed:
    """Return one of our statements about templates and clones."""
    return statement("clones", name, LedgerTable(), with_values=False)


class _RunSession:
    """The session that holds the lock of the run, opened again if a test has ended it."""

    def __init__(self, target: Target, run: int) -> None:
        self._target, self._run = target, run
        self._conn = self._opened()

    def connection(self) -> Connection:
        """Return the connection. Raises ConnectionFailed."""
        if _has_ended(self._conn):
            self._conn = self._opened()
        return self._conn

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()

    def _opened(self) -> Connection:
        conn = _connected(self._target)
        keep_session_open(conn)
        conn.execute(text("share_run"), {"class": _RUN_CLASS, "number": self._run})
        return conn


def _has_ended(conn: Connection) -> bool:
    """Return whether the server has ended a session; only one that was sent something is tried."""
    with conn.lock:
        if conn.closed:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(conn.pgconn.socket, selectors.EVENT_READ)
            arrived = selector.select(0)
        return bool(arrived) and conn.pgconn.exec_(b"SELECT").status != _ROWS


@dataclass(frozen=True, slots=True)
class CloneServer:
    """The server of a test run, as one process uses it."""

    session: _RunSession = field(repr=False)
    url: str = field(repr=False)
    target: Target = field(repr=False)
    label: str
    version: str
    """The server's version and our role: both are a part of the key of a template."""
    run: int
    worker: str
    exclusive: bool
    """Whether the whole server is ours, and ends with the run."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    @property
    def conn(self) -> Connection:
        """The connection that holds the lock of the run. Raises ConnectionFailed."""
        return self.session.connection()

    def new_name(self) -> str:
        """Return a name for a database of this process."""
        return self.numbered(next(self._numbers))

    def numbered(self, number: int) -> str:
        """Return the name of this process's database with a number."""
        return f"{PREFIX}{self.run}_{self.worker}_{number}"

    def parameters_of(self, name: str) -> dict[str, Any]:
        """Return the parameters with which we connect to a database."""
        return {**self.target.parameters, "dbname": name}

    def conninfo_of(self, name: str) -> str:
        """Return the connection string of a database."""
        return make_conninfo(self.url, dbname=name)

    def connect(self, name: str | None = None) -> Connection:
        """Open a connection to a database, by default the one of the URL. Raises ServerError."""
        parameters = self.target.parameters if name is None else self.parameters_of(name)
        try:
            return open_connection(parameters)
        except psycopg.Error as error:
            raise self.rejected(error) from None

    def rejected(self, error: psycopg.Error) -> ServerError:
        """Return the error of a statement that the server rejected."""
        message = self.target.scrub(error.diag.message_primary or str(error)).strip()
        return ServerError(
            f"the server {self.label} rejected a statement: {message}",
            detail=error.diag.message_detail,
            hint=f"Correct the reported error. {_HINT}",
        )

    def create(self, conn: Connection, name: str, template: str, owner: str | None = None) -> None:
        """Create a database with our mark as a copy of a template. Raises the driver's error."""
        # Only the files are copied, without WAL: ten times as fast as the server's default.
        by_file = conn.info.server_version >= _STRATEGY_SINCE and template != "template0"
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}{} CONNECTION LIMIT {}{}").format(
                sql.Identifier(name),
                sql.Identifier(template),
                sql.SQL(" STRATEGY FILE_COPY" if by_file else ""),
                sql.Literal(CONNECTION_LIMIT_MARK),
                sql.SQL(" OWNER {}").format(sql.Identifier(owner)) if owner else sql.SQL(""),
            )
        )

    def create_empty(self, name: str) -> None:
        """Create an empty database with our mark. Raises ServerError."""
        try:
            self.create(self.conn, name, "template0")
        except psycopg.Error as error:
            raise self.rejected(error) from None

    def drop(self, conn: Connection, name: str) -> None:
        """Drop a database of this run and end its sessions. Raises the driver's error."""
        drop_marked(conn, self.target.parameters, name)

    def drop_all(self, conn: Connection) -> None:
        """Drop what this process has left, as far as it can be dropped."""
        pattern = f"^{PREFIX}{self.run}_{self.worker}_[0-9]+$"
        names = conn.execute(
            "SELECT datname::text FROM pg_catalog.pg_database WHERE datname ~ %s"
            " AND datconnlimit = %s",
            (pattern, CONNECTION_LIMIT_MARK),
        ).fetchall()
        for (name,) in names:
            with suppress(psycopg.Error):
                self.drop(conn, name)

    def unmark(self, conn: Connection, name: str) -> None:
        """Remove our mark from a database, so that no run drops it. Raises the driver's error."""
        conn.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(sql.Identifier(name)))


@contextmanager
def open_clone_server(
    url: str, run: int, worker: str, *, label: str | None = None, exclusive: bool = False
) -> Iterator[CloneServer]:
    """Connect to the server of a run, and drop what killed runs left on it.

    At the end, drop what this process left, unless the server is ``exclusive``. Raises
    ConnectionFailed, TargetRefused for a standby and a pooler, and ConfigError for a role without
    CREATEDB.
    """
    target = parse_target(url)
    ours = os.getpid()
    session = _RunSession(target, run)
    try:
        conn = session.connection()
        version = _checked(conn, target)
        if not exclusive:
            drop_abandoned(conn, target.parameters, _PATTERN, _RUN_CLASS)
        server = CloneServer(
            session, url, target, label or target.label, version, run, worker, exclusive
        )
        try:
            yield server
        finally:
            if not exclusive and os.getpid() == ours:
                with suppress(psycopg.Error, ConnectionFailed):
                    server.drop_all(server.conn)
    finally:
        if os.getpid() == ours:  # a forked child would end the session of its parent
            session.close()


def _connected(target: Target) -> Connection:
    hint = f"Start the server, or correct its URL. {_HINT}"
    return connect_to_server(target, "test", hint)


def _checked(conn: Connection, target: Target) -> str:
    """Return the server's version and our role, after checking that it can be used."""
    row = conn.execute(text("server_facts")).fetchone()
    in_recovery, pid, version, role, may_create = row or (False, 0, "", "", False)
    if in_recovery:
        raise TargetRefused(
            f"the test server {target.label} is a standby, on which no database can be created",
            hint=f"Name its primary server. {_HINT}",
        )
    if pid != conn.info.backend_pid:
        raise TargetRefused(
            f"the test server {target.label} is reached through a pooler",
            detail="Databases of tests are created and dropped while a pooler would keep sessions "
            "in them.",
            hint=f"Name the server itself. {_HINT}",
        )
    if not may_create:
        raise ConfigError(
            f"the role {role} may not create databases on the test server {target.label}",
            hint=f"Grant it CREATEDB. {_HINT}",
        )
    return f"{str(version).partition(' ')[0]} {role}"
