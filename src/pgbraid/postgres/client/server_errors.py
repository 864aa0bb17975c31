"""Converts errors and notices of the server to values of pgbraid, without secrets."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import ClientCursor, pq

from pgbraid.model import sqlstate
from pgbraid.model.errors import ConnectionFailed, PgbraidError, ServerError, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.model.migration import Diagnostic
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.secrets import Secrets

__all__ = ["diagnose", "forward_notices", "hint_for_foreign_code", "is_race", "translate_errors"]


@contextmanager
def translate_errors(session: Session) -> Iterator[None]:
    """Raise psycopg's errors as ConnectionFailed, ServerError, or Stopped after a stop."""
    try:
        yield
    except psycopg.Error as error:
        raise _translated(session, error) from None


def _translated(session: Session, error: psycopg.Error) -> PgbraidError:
    conn, target = session.conn, session.target
    if session.stop.requested:
        return Stopped()
    diagnostic = diagnose(target, error.diag, error)
    if conn.closed or conn.broken:
        hint = "Run `pgbraid status`: what it lists as applied is committed."
        if error.sqlstate is None:  # the driver drops a message sent to an idle session
            hint += " The server's log has the reason, perhaps a short idle_session_timeout."
        return ConnectionFailed(
            f"the connection to {target.label} was lost: {diagnostic.message}", hint=hint
        )
    if error.sqlstate == sqlstate.UNDEFINED_COLUMN:
        # Errors of migrations do not come here, so it is a column of the ledger.
        name = f"{session.ledger.schema}.{session.ledger.table}"
        return ServerError(
            f"{name} or its journal lacks a column",
            detail=f"The server reports: {diagnostic.message}.",
            hint="Restore the column; or, if it is the journal's, rename the journal with ALTER "
            "TABLE … RENAME TO, and `pgbraid up` creates a new one.",
            diagnostic=diagnostic,
        )
    return ServerError(
        diagnostic.message,
        detail=diagnostic.detail,
        hint=diagnostic.hint or hint_for_foreign_code(session.conn, diagnostic),
        diagnostic=diagnostic,
    )


def diagnose(
    target: Target,
    diag: psycopg.errors.Diagnostic,
    error: psycopg.Error | None = None,
    *,
    secrets: Secrets | None = None,
) -> Diagnostic:
    """Return a message of the server as a value, with secrets of target and script masked."""
    from pgbraid.model.migration import Diagnostic  # noqa: PLC0415 - only for an error or a notice
    from pgbraid.sql.secrets import NO_SECRETS, mask, secrets_in  # noqa: PLC0415

    def clean(text: str | None) -> str | None:
        if not text:
            return None
        return mask(target.scrub(text), (secrets or NO_SECRETS) | secrets_in(text))

    return Diagnostic(
        severity=diag.severity_nonlocalized or diag.severity or "ERROR",
        message=clean(diag.message_primary or str(error or "").strip()) or "",
        sqlstate=diag.sqlstate,
        detail=clean(diag.message_detail),
        hint=clean(diag.message_hint),
        context=clean(diag.context),
        internal_query=clean(diag.internal_query),
        raced=is_race(diag),
    )


@contextmanager
def forward_notices(session: Session, on_notice: Callable[[Diagnostic], None]) -> Iterator[None]:
    """Call ``on_notice`` with every notice that the server sends during the block.

    An exception of ``on_notice``, or of a signal handler during it, ends the statement.
    """

    def handler(diag: psycopg.errors.Diagnostic) -> None:
        try:
            on_notice(diagnose(session.target, diag))
        except BaseException as error:  # noqa: BLE001 - the driver would drop it; `wait` raises it
            session.conn.pending_exception = session.conn.pending_exception or error

    session.conn.add_notice_handler(handler)
    try:
        yield
    finally:
        session.conn.remove_notice_handler(handler)


_CHANGED = frozenset({"tuple concurrently updated", "tuple concurrently deleted"})
"""The server's messages for a catalog row; it does not translate internal errors."""


def is_race(diag: psycopg.errors.Diagnostic) -> bool:
    """Whether a concurrent change of the same catalog row caused an error.

    The transaction may succeed when it is run again. The server locks most objects before it
    changes their catalog rows, but not roles and other objects that all databases of a cluster
    share. If two sessions alter one role at once, the second fails.
    """
    if diag.sqlstate == sqlstate.UNIQUE_VIOLATION:
        return diag.schema_name == "pg_catalog"
    return diag.sqlstate == sqlstate.INTERNAL_ERROR and diag.message_primary in _CHANGED


_EVENT_TRIGGERS = """
    SELECT e.evtname, p.oid::pg_catalog.regprocedure FROM pg_catalog.pg_event_trigger e
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) e.evtfoid
    WHERE pg_catalog.strpos(%s, p.proname) OPERATOR(pg_catalog.>) 0 ORDER BY e.evtname"""
_OF_OTHERS = (
    "Have its owner correct it, make the function SECURITY DEFINER or give this role the rights "
    "that it needs; then run `pgbraid status`."
)


def hint_for_foreign_code(conn: Connection, diagnostic: Diagnostic) -> str | None:
    """Return a hint for a statement of ours that lacks a right, or failed in another role's code.

    The server's context names the function of an event trigger or a trigger.
    """
    if diagnostic.context and conn.info.transaction_status == pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            query = ClientCursor(conn).mogrify(_EVENT_TRIGGERS, [diagnostic.context])
            row = conn.execute(query.encode()).fetchone()
            if row is not None:
                return f"The event trigger {row[0]} called {row[1]}, which failed. {_OF_OTHERS}"
    if diagnostic.sqlstate != sqlstate.INSUFFICIENT_PRIVILEGE:
        return None
    if diagnostic.context:
        return f"Code of another role was called and failed: see CONTEXT. {_OF_OTHERS}"
    return "Check the role's rights on the ledger's schema, then run `pgbraid status`."
