"""Databases of our own, to replay migrations in: made, copied and dropped.

They bear our prefix, the number of the run that made them, and a limit of connections that is our
mark, given in the statement that makes them; nothing without both is ever dropped. A run holds an
advisory lock of its number as long as it lives, so that the next one can tell, and drop, what a
run left that was killed.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from pgbraid.core.model import Tracker
from pgbraid.db.cluster import Cluster, put_back, read_cluster
from pgbraid.db.conninfo import Target, parse_target
from pgbraid.db.embedded import embedded_server
from pgbraid.db.opening import open_connection
from pgbraid.db.programs import find_programs
from pgbraid.db.statements import statement
from pgbraid.errors import ConfigError, ConnectionFailed, EmbeddedError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pgbraid.db.opening import Connection

__all__ = ["PREFIX", "Scratch", "scratch_server"]

PREFIX = "pgbraid_scratch_"
_MARK = 1953
"""The limit of connections that marks our databases."""
_CLASS = 0x70677363
"""The first half of the advisory locks of runs that have scratch databases: ``pgsc``."""
_IDLES_SINCE = 140000
_PATTERN = f"^{PREFIX}([0-9]{{1,10}})_[0-9]+$"


@dataclass(frozen=True, slots=True)
class Scratch:
    """A server that databases of our own may be made on.

    ``own`` says that the whole server is; there, roles that migrations take for granted are made,
    too.
    """

    conn: Connection = field(repr=False)
    target: Target = field(repr=False)
    number: int
    label: str
    version: str
    role: str
    own: bool
    made: list[str] = field(default_factory=list, repr=False)

    def create(self, template: str | None = None) -> str:
        """Make a database, a copy of ``template`` where it is given, and return its name.

        Raises ServerError.
        """
        name = f"{PREFIX}{self.number}_{len(self.made)}"
        self.made.append(name)
        source = (
            sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        )
        self._do(
            sql.SQL("CREATE DATABASE {}{} CONNECTION LIMIT {}").format(
                sql.Identifier(name), source, sql.Literal(_MARK)
            )
        )
        return name

    def drop(self, name: str) -> None:
        """Drop a database that this run has made. Raises ServerError."""
        if name in self.made:
            try:
                self._do(_drop_of(name))
            except ServerError:
                with suppress(psycopg.Error):
                    _unsubscribe({**self.target.parameters, "dbname": name})
                self._do(_drop_of(name))

    def at(
        self, name: str, role: str | None = None, settings: Iterable[tuple[str, str]] = ()
    ) -> Target:
        """Return the target that a database of this server is.

        Where they are given, for another role, and with settings to begin with.
        """
        parameters = {**self.target.parameters, "dbname": name}
        if role is not None:
            parameters["user"] = role
        given = "".join(f" -c {key}={_escaped(value)}" for key, value in settings)
        if given:
            parameters["options"] = f"{parameters.get('options') or ''}{given}".strip()
        return Target(parameters, f"{self.label}/{name}", secrets=self.target.secrets)

    def login(self, name: str) -> str | None:
        """Make a role that migrations are to run as; None where the server is not ours."""
        if not self.own:
            return None
        if name != self.role:
            self._do(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(sql.Identifier(name)))
        return name

    def add_role(self, name: str) -> None:
        """Make a role that migrations take for granted."""
        self._do(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))

    def add_database(self, name: str) -> None:
        """Make an empty database of a name that migrations mention; the server is ours."""
        self._do(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def extend(self, name: str, extensions: Iterable[tuple[str, str]]) -> list[str]:
        """Create extensions, each in a schema, in a database.

        Returns those that could be, and were not there.
        """
        made = []
        with open_connection(self.at(name).parameters) as conn:
            there = {extension for (extension,) in conn.execute(_text("extensions"))}
            for extension, schema in extensions:
                if extension not in there:
                    with suppress(psycopg.Error), conn.transaction():
                        where = sql.Identifier(schema)
                        conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(where))
                        create = sql.SQL("CREATE EXTENSION {} SCHEMA {} CASCADE")
                        conn.execute(create.format(sql.Identifier(extension), where))
                        made.append(extension)
        return made

    def look(self) -> Cluster | None:
        """Return what belongs to the whole cluster, where that is ours to put back."""
        return read_cluster(self.conn, PREFIX) if self.own else None

    def put_back(self, before: Cluster | None) -> None:
        """Bring the cluster back to what it had. Raises ServerError where that cannot be done."""
        if before is not None:
            put_back(self.conn, before, PREFIX)

    def clear(self) -> None:
        """Drop every database that this run has made."""
        for name in self.made:
            with suppress(ServerError):
                self.drop(name)

    def _do(self, query: sql.Composed) -> None:
        try:
            self.conn.execute(query)
        except psycopg.Error as error:
            said = self.target.scrub(error.diag.message_primary or str(error))
            raise ServerError(f"the scratch server refused: {said}") from None


def _escaped(value: str) -> str:
    """Return a value as libpq's options take it."""
    return re.sub(r"([\s\\])", r"\\\1", value)


def _text(name: str) -> sql.Composed:
    return statement("scratch", name, Tracker(), with_values=False)


@contextmanager
def scratch_server(
    url: str | None = None,
    *,
    programs: str | None = None,
    cache: Path | None = None,
    major: int | None = None,
    exact: bool = False,
) -> Iterator[Scratch]:
    """Yield a server for scratch databases: that of ``url``, or a throw-away one.

    What dead runs left on it is dropped first, and what this one made at the end. A server of the
    ``major`` version is looked for among those installed; where it must be ``exact`` that one,
    no other will do. Raises ConfigError where it does not, and where the role may not create
    databases; EmbeddedError and ConnectionFailed.
    """
    if url is not None:
        with _opened(parse_target(url), own=False) as scratch:
            _check_major(scratch, major if exact else None)
            yield scratch
        return
    if major is not None and programs is None:
        with suppress(EmbeddedError):
            programs = str(find_programs(None, major=str(major)).folder)
    with (
        embedded_server(programs=programs, cache=cache) as server,
        _opened(parse_target(server.conninfo), own=True, label=server.label) as scratch,
    ):
        _check_major(scratch, major if exact else None)
        yield scratch


def _check_major(scratch: Scratch, major: int | None) -> None:
    if major is None or scratch.version.partition(".")[0] == str(major):
        return
    raise ConfigError(
        f"the database is on PostgreSQL {major}, the scratch server is {scratch.version}",
        detail="The catalogs of two major versions cannot be compared.",
        hint=f"Name a scratch server of version {major} with --scratch URL, or the folder of its "
        "programs in PGBRAID_PG_BIN.",
    )


@contextmanager
def _opened(target: Target, *, own: bool, label: str | None = None) -> Iterator[Scratch]:
    conn = _connected(target)
    with conn:
        role, version, may_create = conn.execute(_text("facts")).fetchone() or ("", "", False)
        if not may_create:
            raise ConfigError(
                f"the role {role} may not create databases on the scratch server {target.label}",
                hint="Grant it CREATEDB, or name another server with --scratch URL.",
            )
        conn.execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
        if conn.info.server_version >= _IDLES_SINCE:
            conn.execute("SET idle_session_timeout = 0")
        number = secrets.randbelow(2**31)
        conn.execute(
            statement("scratch", "hold", Tracker(), with_values=True),
            {"class": _CLASS, "number": number},
        )
        _sweep(conn, target.parameters)
        scratch = Scratch(
            conn,
            target,
            number,
            label or target.label,
            str(version).partition(" ")[0],
            role,
            own,
        )
        try:
            yield scratch
        finally:
            if not conn.closed and not own:
                conn.stop = None
                scratch.clear()


def _connected(target: Target) -> Connection:
    try:
        return open_connection(target.parameters)
    except psycopg.Error as error:
        message = target.scrub(str(error)).strip().splitlines()
    raise ConnectionFailed(
        f"cannot connect to the scratch server {target.label}: {message[0] if message else ''}",
        hint="Name a server with --scratch URL, or leave it out for an embedded one.",
    )


def _sweep(conn: Connection, parameters: Mapping[str, Any]) -> None:
    """Drop what runs left that are dead."""
    query = statement("scratch", "abandoned", Tracker(), with_values=True)
    found = conn.execute(query, {"pattern": _PATTERN, "mark": _MARK, "class": _CLASS}).fetchall()
    for (name,) in found:
        with suppress(psycopg.Error):
            _unsubscribe({**parameters, "dbname": name})
        with suppress(psycopg.Error):
            conn.execute(_drop_of(name))


def _drop_of(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


def _unsubscribe(parameters: Mapping[str, Any]) -> None:
    """Drop a database's subscriptions, which it cannot be dropped with."""
    with open_connection(parameters) as conn:
        for (name,) in conn.execute(_text("subscriptions")).fetchall():
            quoted = sql.Identifier(name)
            for change in (
                "ALTER SUBSCRIPTION {} DISABLE",
                "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
            ):
                conn.execute(sql.SQL(change).format(quoted))
            conn.execute(sql.SQL("DROP SUBSCRIPTION {}").format(quoted))
