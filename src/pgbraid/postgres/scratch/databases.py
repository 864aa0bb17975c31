"""Creates, copies and drops scratch databases, in which migrations are replayed.

The name of a scratch database has our prefix and the number of the run that created it; see
`marked_databases.py` for how such databases are marked and dropped.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from pgbraid.model.errors import ConfigError, EmbeddedError, ServerError
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.catalog.shared_objects import SharedObjects
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.client.conninfo import Target, parse_target
from pgbraid.postgres.client.session import statement
from pgbraid.postgres.scratch.cluster_state import (
    ROLES_ASIDE,
    Cluster,
    differences,
    drop_set_aside,
    read_cluster,
    restore_cluster,
    set_roles_aside,
    shared_changes,
)
from pgbraid.postgres.scratch.marked_databases import (
    CONNECTION_LIMIT_MARK,
    connect_to_server,
    drop_abandoned,
    drop_statement,
    drop_subscriptions_and_slots,
    keep_session_open,
)
from pgbraid.postgres.server.binaries import find_programs
from pgbraid.postgres.server.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pgbraid.model.options import Prelude
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.ledger.history import MigratingRole

__all__ = ["PREFIX", "ScratchServer", "prelude_fails", "scratch_server"]

PREFIX = "pgbraid_scratch_"
_CLASS = 0x70677363
"""The first key of the advisory locks of runs with scratch databases: ``pgsc`` in ASCII."""
_LOGIN_TRIGGERS_SINCE = 170000  # triggers on login, and the setting event_triggers
_STRATEGY_SINCE = 150000
_PATTERN = f"^{PREFIX}([0-9]{{1,10}})_[0-9]+$"


@dataclass(frozen=True, slots=True)
class ScratchServer:
    """A server on which pgbraid creates databases.

    If ``exclusive``, the whole server is ours; roles that migrations expect are created there.
    """

    conn: Connection = field(repr=False)
    target: Target = field(repr=False)
    number: int
    label: str
    version: str
    role: str
    superuser: bool
    exclusive: bool
    made: list[str] = field(default_factory=list, repr=False)
    _gone: set[str] = field(default_factory=set, repr=False)

    def create(self, template: str | None = None, owner: str | None = None) -> str:
        """Create a database, a copy of ``template`` if it is given, and return its name.

        Raises ServerError.
        """
        name = f"{PREFIX}{self.number}_{len(self.made)}"
        self.made.append(name)
        owned = sql.SQL(" OWNER {}").format(sql.Identifier(owner)) if owner else sql.SQL("")
        # The mark is set by CREATE DATABASE itself. A comment would need a second statement,
        # and a run killed between the two would leave a database that no run may drop.
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}{}{} CONNECTION LIMIT {}").format(
                sql.Identifier(name),
                # Not template1: the objects that this server has in it belong to no migration.
                sql.Identifier(template or "template0"),
                owned,
                sql.SQL(self._strategy()),
                sql.Literal(CONNECTION_LIMIT_MARK),
            )
        )
        return name

    def _strategy(self) -> LiteralString:
        """Return how to copy a template: the files, in a third of the time of the WAL.

        That writes a checkpoint, which would slow down the other databases of a server of others.
        """
        by_file = self.exclusive and self.conn.info.server_version >= _STRATEGY_SINCE
        return " STRATEGY FILE_COPY" if by_file else ""

    def drop(self, name: str) -> None:
        """Drop a database that this run created, and its roles. Raises ServerError."""
        if name not in self.made or name in self._gone:
            return
        try:
            self._execute(drop_statement(name))
        except ServerError:
            with suppress(psycopg.Error):
                drop_subscriptions_and_slots({**self.target.parameters, "dbname": name})
            self._execute(drop_statement(name))
        self._gone.add(name)
        if self.exclusive:
            drop_set_aside(self.conn, name.removeprefix(PREFIX))

    def target_of(
        self, name: str, role: str | None = None, settings: Iterable[tuple[str, str]] = ()
    ) -> Target:
        """Return the target of a database on this server.

        ``role`` replaces the login role, ``settings`` are set at the session's start.
        """
        parameters = {**self.target.parameters, "dbname": name}
        if role is not None:
            parameters["user"] = role
        options = "".join(f" -c {key}={_escaped(value)}" for key, value in settings)
        if options:
            parameters["options"] = f"{parameters.get('options') or ''}{options}".strip()
        return Target(parameters, f"{self.label}/{name}", secrets=self.target.secrets)

    def reading(self, name: str) -> Target:
        """Return the target for reading the snapshot of a database.

        On an exclusive server event_triggers is off: a trigger on login that a migration created
        must not keep pgbraid from reading the snapshot.
        """
        has_setting = self.conn.info.server_version >= _LOGIN_TRIGGERS_SINCE
        return self.target_of(
            name, settings=(("event_triggers", "off"),) if self.exclusive and has_setting else ()
        )

    def create_login_role(self, role: MigratingRole) -> str | None:
        """Create a role with the attributes of the migrating role, and return its name.

        Grant it the predefined roles (``pg_…``) that the migrating role is a member of. Return
        None, and create nothing, if the server is not exclusive.
        """
        if not self.exclusive:
            return None
        if role.name != self.role:
            words = (word if on else f"NO{word}" for word, on in role.attributes)
            name = sql.Identifier(role.name).as_string(None)
            self._execute(f"CREATE ROLE {name} LOGIN {' '.join(words)}".encode())
            for group in role.member_of:
                if group.startswith("pg_") and self.has_role(group):
                    self.add_member(group, role.name)
        return role.name

    def elevate(self, name: str) -> None:
        """Make a role a superuser."""
        self._execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(name)))

    def has_role(self, name: str) -> bool:
        """Return whether the server has a role of that name."""
        return self.conn.execute(_text("has_role"), {"name": name}).fetchone() == (True,)

    def has_time_zone(self, name: str) -> bool:
        """Whether the server accepts a time zone; not every system has the old names."""
        try:
            # Outside a transaction, a local setting ends with its statement.
            self.conn.execute(b"SELECT pg_catalog.set_config('TimeZone', %s, true)", (name,))
        except psycopg.Error:
            return False
        return True

    def add_role(self, name: str) -> None:
        """Create a role that migrations expect, unless it exists."""
        if not self.has_role(name):
            self._execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))

    def add_member(self, role: str, member: str) -> None:
        """Make a role a member of another one."""
        self._execute(
            sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member))
        )

    def add_database(self, name: str) -> None:
        """Create an empty database that migrations mention, unless it exists."""
        exists = self.conn.execute(_text("has_database"), {"name": name}).fetchone()
        if exists != (True,):
            self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def create_extensions(self, name: str, extensions: Iterable[tuple[str, str]]) -> list[str]:
        """Create extensions in a database, each in its schema, and return the created ones.

        Skip extensions that exist, and extensions that the server cannot create.
        """
        created = []
        with open_connection(self.target_of(name).parameters) as conn:
            existing = {extension for (extension,) in conn.execute(_text("extensions"))}
            for extension, schema in extensions:
                if extension not in existing:
                    with suppress(psycopg.Error), conn.transaction():
                        quoted = sql.Identifier(schema)
                        conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(quoted))
                        create = sql.SQL("CREATE EXTENSION {} SCHEMA {} CASCADE")
                        conn.execute(create.format(sql.Identifier(extension), quoted))
                        created.append(extension)
        return created

    def run_prelude(self, name: str, prelude: Prelude) -> None:
        """Run the prelude in a new database. Raises ConfigError if it fails.

        Unless the server is exclusive, the prelude must not change shared objects.
        """
        with open_connection(self.target_of(name).parameters) as conn:
            try:
                conn.execute(b"BEGIN")
                conn.execute(prelude.text.encode())
                changes = () if self.exclusive else self.changes_of(conn)
                conn.execute(b"ROLLBACK" if changes else b"COMMIT")
            except psycopg.Error as error:
                raise prelude_fails(prelude, error) from None
        if changes:
            raise ConfigError(
                f"the prelude {prelude.path} changes what the databases of {self.label} share",
                detail=f"It changes: {', '.join(changes[:3])}.",
                hint="Leave `scratch_url` and PGBRAID_SCRATCH_URL out, or create the objects on "
                "that server and remove them from the prelude.",
            )

    def read_cluster_state(self) -> Cluster | None:
        """Return the shared objects of an exclusive server, else None."""
        return read_cluster(self.conn, PREFIX) if self.exclusive else None

    def restore_cluster_state(self, before: Cluster | None) -> None:
        """Restore the shared objects. Raises ServerError if some cannot be restored."""
        if before is not None:
            restore_cluster(self.conn, before, PREFIX)

    def set_aside(self, name: str, before: Cluster | None) -> None:
        """Rename the roles that a replay created, if its database is kept."""
        if before is not None:
            set_roles_aside(self.conn, before, PREFIX, name.removeprefix(PREFIX))

    def shared_objects(self) -> SharedObjects:
        """Return how to read the shared objects, without those of other replays."""
        return SharedObjects(f"{PREFIX}%", f"{ROLES_ASIDE}%")

    def changes_of(self, conn: Connection) -> tuple[str, ...]:
        """Return the shared objects that the open transaction of a connection changes."""
        return shared_changes(conn, self.conn, PREFIX)

    def shared(self) -> Cluster:
        """Return the shared objects of the server, as far as every role may read them."""
        return read_cluster(self.conn, PREFIX, exclusive=False)

    def changed_since(self, before: Cluster) -> tuple[str, ...]:
        """Return the shared objects that differ from an earlier reading."""
        return tuple(differences(before, self.shared()))

    def clear(self) -> None:
        """Drop every database that this run created."""
        for name in self.made:
            with suppress(ServerError):
                self.drop(name)

    def _execute(self, query: sql.Composed | bytes) -> None:
        try:
            self.conn.execute(query)
        except psycopg.Error as error:
            message = self.target.scrub(error.diag.message_primary or str(error))
            raise ServerError(f"the scratch server rejected a statement: {message}") from None


def prelude_fails(prelude: Prelude, error: psycopg.Error) -> ConfigError:
    """Return the error of a prelude that the server rejects, with the line of the error."""
    position = error.diag.statement_position
    line = prelude.text.count("\n", 0, int(position) - 1) + 1 if position else None
    place = f"{prelude.path}:{line}" if line else prelude.path
    return ConfigError(
        f"{place}: the prelude fails: {error.diag.message_primary or error}",
        detail=error.diag.message_detail,
        hint="Correct the file that the setting `prelude` names, then run the command again.",
    )


def _escaped(value: str) -> str:
    """Escape a value for libpq's parameter ``options``."""
    return re.sub(r"([\s\\])", r"\\\1", value)


def _text(name: str) -> sql.Composed:
    return statement("scratch", name, LedgerTable(), with_values=False)


@contextmanager
def scratch_server(
    url: str | None = None,
    *,
    programs: str | None = None,
    cache: Path | None = None,
    major: int | None = None,
    exact: bool = False,
) -> Iterator[ScratchServer]:
    """Yield a server for scratch databases: the server of ``url``, or a temporary one.

    Databases of killed runs are dropped at the start, those of this run at the end. Without a
    URL, installed binaries of version ``major`` are preferred. With ``exact``, any other version
    raises ConfigError. Raises ConfigError also for a role without CREATEDB, and EmbeddedError
    and ConnectionFailed.
    """
    if url is not None:
        with _open(parse_target(url), exclusive=False) as scratch:
            _check_major(scratch, major if exact else None)
            yield scratch
        return
    if major is not None and programs is None:
        with suppress(EmbeddedError):
            programs = str(find_programs(None, major=str(major)).folder)
    with (
        embedded_server(programs=programs, cache=cache) as server,
        _open(parse_target(server.conninfo), exclusive=True, label=server.label) as scratch,
    ):
        _check_major(scratch, major if exact else None)
        yield scratch


def _check_major(scratch: ScratchServer, major: int | None) -> None:
    if major is None or scratch.version.partition(".")[0] == str(major):
        return
    raise ConfigError(
        f"the database runs PostgreSQL {major}, the scratch server {scratch.version}",
        detail="The catalogs of two major versions cannot be compared.",
        hint=f"Name a scratch server of version {major} with `scratch_url`, or the folder of its "
        "programs in PGBRAID_PG_BIN.",
    )


@contextmanager
def _open(target: Target, *, exclusive: bool, label: str | None = None) -> Iterator[ScratchServer]:
    conn = _connected(target)
    with conn:
        row = conn.execute(_text("facts")).fetchone()
        role, version, may_create, superuser = row or ("", "", False, False)
        if not may_create:
            raise ConfigError(
                f"the role {role} may not create databases on the scratch server {target.label}",
                hint="Grant it CREATEDB, or name another server with `scratch_url`.",
            )
        keep_session_open(conn)
        number = secrets.randbelow(2**31)
        conn.execute(
            statement("scratch", "lock_number", LedgerTable(), with_values=True),
            {"class": _CLASS, "number": number},
        )
        drop_abandoned(conn, target.parameters, _PATTERN, _CLASS)
        scratch = ScratchServer(
            conn,
            target,
            number,
            label or target.label,
            str(version).partition(" ")[0],
            role,
            superuser,
            exclusive,
        )
        try:
            yield scratch
        finally:
            # The databases of a temporary server go with its data directory.
            if not conn.closed and not exclusive:
                conn.stop = None
                scratch.clear()


def _connected(target: Target) -> Connection:
    hint = "Name a server with `scratch_url`, or leave it out for an embedded one."
    return connect_to_server(target, "scratch", hint)
