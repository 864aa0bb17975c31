"""One connection to one database, with the settings that statements of ours rely on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor, sql

from pgbraid.model.durations import timeout_literal
from pgbraid.model.options import Limits
from pgbraid.postgres.client.named_sql import plain_text, statement
from pgbraid.postgres.client.wire import error_of, send

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "timeout_settings_sql",
]

_PINS_SINCE = ((140000, "pin_14"), (170000, "pin_17"))


_CANCEL_TIMEOUT = 1.0


class PoolerState:
    """A pooler; ``settings`` are those that the session in use had before our transaction.

    Such as have a dot in their names, which no list of the server's has, count where a body
    names them; None is one that was not set. ``unclear`` says why nobody knows whether it lends
    sessions, where it was not seen to.
    """

    __slots__ = ("settings", "unknown_reason")

    def __init__(self, unclear: str | None = None) -> None:
        self.settings: dict[str, str | None] = {}
        self.unknown_reason = unclear

    def new_custom_settings(self, text: str) -> list[str]:
        """Return the settings with a dot in their names that a text sets for the first time."""
        from pgbraid.sql.custom_settings import custom_settings_set  # noqa: PLC0415 - behind a pooler

        return sorted(custom_settings_set(text) - self.settings.keys())


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one database, and the tracker it is about."""

    conn: Connection
    target: Target
    ledger: LedgerTable
    stop: StopToken
    server_detects_client_loss: bool = False
    """Whether the server looks, during a long statement, if we are still there."""
    durable_commit: str = "on"
    """The value of synchronous_commit with which a commit waits for the disk."""
    pid: int = 0
    """The number of the server's process."""
    limits: Limits = field(default_factory=Limits)
    pooler: PoolerState | None = None
    """What is known of the pooler that stands between, so that the session is ours in a
    transaction only."""
    on_statement: Callable[[bool], Callable[[], None]] | None = field(
        default=None, repr=False, compare=False
    )
    """Called before a statement, with whether it commits; returns what to call while it runs."""

    @property
    def key(self) -> int:
        """The key of the tracker's advisory lock."""
        return self.ledger.lock_key

    @property
    def encoding(self) -> str:
        """PostgreSQL's name of the database's encoding, such as UTF8."""
        return self.conn.info.parameter_status("server_encoding") or ""

    @property
    def pooled(self) -> bool:
        """Whether a pooler stands between that lends the session for a transaction."""
        return self.pooler is not None

    def watching(self, *, committing: bool = False) -> Callable[[], None] | None:
        """Begin to watch a statement, and return what to call while it takes long."""
        return self.on_statement(committing) if self.on_statement else None

    def run(self, file: str, name: str, /, **values: object) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a named statement of ours by the simple protocol and return its cursor."""
        self.stop.check()
        query = statement(file, name, self.ledger, with_values=bool(values))
        return self.conn.execute(query, values or None)

    def run_watched(
        self, file: str, name: str, /, **values: object
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a named statement as :meth:`run` does, and watch what it waits for."""
        self.conn.on_wakeup = self.watching()
        try:
            return self.run(file, name, **values)
        finally:
            self.conn.on_wakeup = None

    def text(self, file: str, name: str, /, **values: object) -> str:
        """Return a named statement of ours with its values, to stand in a longer message."""
        query = statement(file, name, self.ledger, with_values=True)
        return ClientCursor(self.conn).mogrify(query, values)


def cancel(session: Session) -> None:
    """Ask the server to end the statement in progress."""
    with suppress(psycopg.Error):
        session.conn.cancel_safe(timeout=_CANCEL_TIMEOUT)


def pinned_settings_sql(session: Session) -> str:
    """Return the statements that pin what ours must not be led astray by, or cut short."""
    version = session.conn.info.server_version
    names = ["pin", *(name for since, name in _PINS_SINCE if version >= since)]
    names += ["check_interval"] if session.server_detects_client_loss else []
    own = [named_sql(session, name) for name in names]
    limits = [f"SET {limit}" for limit in timeout_settings_sql(session.limits)]
    role = [set_role_sql(session.conn.role)] if session.conn.role else []
    return ";\n".join([*own, *limits, f"SET synchronous_commit = {session.durable_commit}", *role])


def set_role_sql(role: str) -> str:
    """Return the statement by which a session is a role that it did not begin as."""
    return f"SET ROLE {sql.Identifier(role).as_string(None)}"


def timeout_settings_sql(limits: Limits) -> tuple[str, str]:
    """Return the settings that limit a body's statements, as SET and SET LOCAL take them."""
    return (
        f"lock_timeout = {timeout_literal(limits.lock_timeout)}",
        f"statement_timeout = {timeout_literal(limits.statement_timeout)}",
    )


def named_sql(session: Session, name: str) -> str:
    """Return the text of a statement of ours that takes no values."""
    return plain_text(name, session.ledger)


def reset_session(session: Session) -> None:
    """Undo what a migration's body left in the session: role, settings, temporary tables.

    A pool's session was left clean before its transaction ended.
    """
    if not session.pooled:
        send_sql(session, reset_session_sql(session))


def reset_session_sql(session: Session) -> str:
    """Return the statements that do what :func:`reset_session` does."""
    return f"{named_sql(session, 'reset')};\n{pinned_settings_sql(session)}"


def send_named(session: Session, name: str) -> None:
    """Run a statement of ours as bytes: a body may have set an encoding unknown to Python."""
    send_sql(session, named_sql(session, name))


def send_sql(session: Session, text: str) -> None:
    """Run SQL of ours as bytes and read no rows. Raises psycopg's error."""
    session.stop.check()
    error = error_of(send(session.conn, text.encode()))
    if error is not None:
        raise error
