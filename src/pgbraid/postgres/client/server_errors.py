"""Converts errors and notices of the server to values of pgbraid, without secrets."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from pgbraid.model.errors import ConnectionFailed, PgbraidError, ServerError, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.model.migration import Diagnostic
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.secrets import Secrets

__all__ = ["diagnose", "forward_notices", "translate_errors"]


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
    from pgbraid.postgres.client.foreign_code import hint_for_foreign_code  # noqa: PLC0415 - only for an error

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
    from pgbraid.postgres.client.catalog_races import is_race  # noqa: PLC0415
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
