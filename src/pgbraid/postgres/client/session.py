"""One connection to one database, with the settings that pgbraid's own statements rely on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor, sql

from pgbraid.model.errors import Stopped
from pgbraid.model.options import Limits
from pgbraid.model.units import timeout_literal
from pgbraid.postgres.client.connection import error_of, send
from pgbraid.postgres.statement_texts import statement_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.pq.abc import PGresult

    from pgbraid.model.migration import LedgerTable
    from pgbraid.model.options import StopToken
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.conninfo import Target

__all__ = [
    "PoolerState",
    "Session",
    "cancel",
    "named_sql",
    "pinned_settings_sql",
    "reset_session",
    "reset_session_sql",
    "send_named",
    "send_sql",
    "set_role_sql",
    "statement",
    "timeout_settings_sql",
]

_PINS_SINCE = ((140000, "pin_14"), (170000, "pin_17"))
"""Statements with settings that the server has since that version."""
_CANCEL_TIMEOUT = 1.0
_DEFAULT_LIMITS = Limits()


@cache
def _plain_text(name: str, ledger: LedgerTable) -> str:
    """Return the text of a named statement of ``session.sql`` that takes no values."""
    return statement("session", name, ledger, with_values=False).as_string(None)


@cache
def statement(file: str, name: str, ledger: LedgerTable, *, with_values: bool) -> sql.Composed:
    """Return a named statement with the ledger's names filled in and quoted.

    ``{schema}``, ``{ledger}`` and ``{journal}`` stand for identifiers, ``{ledger_text}`` and
    ``{journal_text}`` for the quoted table names as string literals. Set ``with_values`` if the
    statement is sent with values.
    """
    # With values, the driver reads a percent sign as a placeholder.
    schema, table, journal = (
        part.replace("%", "%%") if with_values else part
        for part in (ledger.schema, ledger.table, ledger.journal)
    )
    return sql.SQL(statement_text(file, name)).format(
        schema=sql.Identifier(schema),
        ledger=sql.Identifier(schema, table),
        journal=sql.Identifier(schema, journal),
        journal_text=sql.Literal(sql.Identifier(schema, journal).as_string(None)),
        ledger_text=sql.Literal(sql.Identifier(schema, table).as_string(None)),
    )


class PoolerState:
    """A pooler that lends its sessions, and the settings of the session in use.

    ``settings`` holds the values before the present transaction; None is a setting that was not
    set. It has custom settings (with a dot in the name) only if a body names them, because
    pg_settings does not list them. ``unknown_reason`` is the reason why it is unknown whether the
    pooler lends sessions, or None if it is known.
    """

    __slots__ = ("settings", "unknown_reason")

    def __init__(self, unknown_reason: str | None = None) -> None:
        self.settings: dict[str, str | None] = {}
        self.unknown_reason = unknown_reason

    def new_custom_settings(self, text: str) -> list[str]:
        """Return the custom settings that a text sets and ``settings`` does not have yet."""
        from pgbraid.sql.custom_settings import custom_settings_set  # noqa: PLC0415 - behind a pooler

        return sorted(custom_settings_set(text) - self.settings.keys())


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one database, and the ledger that it works on."""

    conn: Connection
    target: Target
    ledger: LedgerTable
    stop: StopToken
    server_detects_client_loss: bool = False
    """Whether the server checks during a long statement that the client is still connected."""
    durable_commit: str = "on"
    """The value of synchronous_commit with which a commit waits for the disk."""
    pid: int = 0
    """The backend's process ID."""
    limits: Limits = _DEFAULT_LIMITS
    pooler: PoolerState | None = None
    """The pooler that lends the session for one transaction at a time; None without one."""
    on_statement: Callable[[bool], Callable[[], None]] | None = field(
        default=None, repr=False, compare=False
    )
    """Called before a statement with ``committing``; returns a function to call while it runs."""

    @property
    def key(self) -> int:
        """The key of the ledger's advisory lock."""
        return self.ledger.lock_key

    @property
    def encoding(self) -> str:
        """The name of the database's encoding, such as UTF8."""
        return self.conn.info.parameter_status("server_encoding") or ""

    def watching(self, *, committing: bool = False) -> Callable[[], None] | None:
        """Announce a statement; return the function to call while it runs, or None."""
        return self.on_statement(committing) if self.on_statement else None

    def run(self, file: str, name: str, /, **values: object) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a named statement of ours by the simple query protocol and return its cursor."""
        self.check_stop()
        query = statement(file, name, self.ledger, with_values=bool(values))
        return self.conn.execute(query, values or None)

    def run_watched(
        self, file: str, name: str, /, **values: object
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a named statement like :meth:`run`, under observation of the lock monitor."""
        self.conn.on_wakeup = self.watching()
        try:
            return self.run(file, name, **values)
        finally:
            self.conn.on_wakeup = None

    def send(
        self,
        message: bytes,
        while_waiting: Callable[[], object] | None = None,
        results: list[PGresult] | None = None,
        *,
        tick: Callable[[], object] | None = None,
    ) -> list[PGresult]:
        """Send a message as :func:`send` does. Raises Stopped instead if a stop was requested."""
        self.check_stop()
        return send(self.conn, message, while_waiting, results, tick)

    def check_stop(self) -> None:
        """Raise Stopped if a stop was requested."""
        if self.stop.event.is_set():
            raise Stopped

    def text(self, file: str, name: str, /, **values: object) -> str:
        """Return the text of a named statement of ours with its values, for a longer message."""
        query = statement(file, name, self.ledger, with_values=True)
        return ClientCursor(self.conn).mogrify(query, values)


def cancel(session: Session) -> None:
    """Send a cancel request for the running statement."""
    with suppress(psycopg.Error):
        session.conn.cancel_safe(timeout=_CANCEL_TIMEOUT)


def pinned_settings_sql(session: Session) -> str:
    """Return SQL that pins the settings which could mislead or cut short our own statements."""
    version = session.conn.info.server_version
    names = ["pin", *(name for since, name in _PINS_SINCE if version >= since)]
    names += ["check_interval"] if session.server_detects_client_loss else []
    pins = [named_sql(session, name) for name in names]
    limits = [f"SET {limit}" for limit in timeout_settings_sql(session.limits)]
    role = [set_role_sql(session.conn.role)] if session.conn.role else []
    return ";\n".join([*pins, *limits, f"SET synchronous_commit = {session.durable_commit}", *role])


def set_role_sql(role: str) -> str:
    """Return the SET ROLE statement for a session that logged in as another role."""
    return f"SET ROLE {sql.Identifier(role).as_string(None)}"


def timeout_settings_sql(limits: Limits) -> tuple[str, str]:
    """Return lock_timeout and statement_timeout as ``name = value``, for SET and SET LOCAL."""
    return (
        f"lock_timeout = {timeout_literal(limits.lock_timeout)}",
        f"statement_timeout = {timeout_literal(limits.statement_timeout)}",
    )


def named_sql(session: Session, name: str) -> str:
    """Return the text of a named statement of ours that takes no values."""
    return _plain_text(name, session.ledger)


def reset_session(session: Session) -> None:
    """Undo the session effects of a migration's body: role, settings, temporary tables.

    Does nothing behind a pooler, where each transaction resets its session before it ends.
    """
    if not session.pooler:
        send_sql(session, reset_session_sql(session))


def reset_session_sql(session: Session, *, keep_prepared: bool = False) -> str:
    """Return the statements of :func:`reset_session`, which remove prepared statements, too."""
    names = ["reset"] if keep_prepared else ["deallocate", "reset"]
    statements = [named_sql(session, name) for name in names]
    return ";\n".join([*statements, pinned_settings_sql(session)])


def send_named(session: Session, name: str) -> None:
    """Run a named statement of ours as bytes: a body may have set an encoding unknown to Python."""
    send_sql(session, named_sql(session, name))


def send_sql(session: Session, text: str) -> None:
    """Run SQL of ours as bytes and return no rows. Raises psycopg's error."""
    error = error_of(session.send(text.encode()))
    if error is not None:
        raise error
