"""Finds out whether a pooler or proxy lends its sessions, or gives each client its own.

If the pid in the protocol's BackendKeyData is not the backend's, something stands between client
and server: a pooler that lends a session for one transaction, or a pooler or proxy that gives each
client one session as long as it is connected. Only their behaviour distinguishes the two.

To get the same backend twice proves nothing: a pooler prefers the session that was used last, and
behind a balancer each pooler has its own pool. But only an exclusive session can receive a
notification while the client sends nothing, because it stays connected to this client. So a NOTIFY
of another client decides. Every step has a short time limit.
"""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq
from psycopg.waiting import Wait

from pgbraid.postgres.client.connection import (
    Question,
    error_of,
    open_connection,
    sibling_parameters,
)
from pgbraid.postgres.client.server_requirements import not_session_pooler_refusal, role_refusal
from pgbraid.postgres.client.session import PoolerState, set_role_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from psycopg.abc import PQGen

    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.session import Session

__all__ = ["find_pooler", "release_session", "set_role"]

_READS, _OTHERS = 3, 2
"""How often the pid is queried first, and how many other clients then hold a transaction."""
_SHORTEST, _ROUND_TRIPS, _LONGEST = 0.5, 20, 2.0
"""Time limit for a result: 20 times the slowest first round trip, within 0.5 to 2 seconds."""
_IDLE = 0.2
"""Seconds without a query, after which a pooler would have taken the session back."""
_RETRY_PAUSE = 0.01
"""Seconds between two attempts to reach a backend that serves another client now."""
_PID = b"SELECT pg_catalog.pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class _Sharing:
    """Whether a session is exclusive; ``unknown_reason`` if that could not be found out."""

    exclusive: bool
    unknown_reason: str | None = None


_EXCLUSIVE = _Sharing(exclusive=True)
_LENT = _Sharing(exclusive=False)


def find_pooler(session: Session, process: int) -> PoolerState | None:
    """Return the pooler that lends the session, or None if the session is exclusive.

    ``process`` is the backend's pid, which differs from the one in the protocol. If the tests stay
    inconclusive, the user's ``session_pooler`` decides. Raises TargetRefused if the pooler lends
    the session in spite of ``session_pooler``, and psycopg's error if our connection is lost.
    """
    conn, target = session.conn, session.target
    if process == conn.process:
        return None
    moved = conn.process is not None
    # A session that was exclusive and now has another backend is lent: no test is needed.
    sharing = _LENT if moved else _test_sharing(conn, target.parameters, process)
    if sharing.exclusive or (target.session_pooler and sharing.unknown_reason):
        conn.process = process
        return None
    if target.session_pooler:
        raise not_session_pooler_refusal(session)
    return PoolerState(sharing.unknown_reason)


def set_role(session: Session, role: str) -> None:
    """Set the role with SET ROLE, for a pooler that does not accept it as a startup option.

    Raises TargetRefused if the pooler lends its sessions.
    """
    row = session.run("session", "backend_identity").fetchone()
    if row is None or row[0] == role:
        return
    if row[1] != session.conn.info.backend_pid and find_pooler(session, row[1]) is not None:
        raise role_refusal(session.target)
    session.conn.role = role
    question = Question(session.conn, set_role_sql(role).encode())
    question.wait()
    _raise_failed(question)


def _test_sharing(conn: Connection, parameters: Mapping[str, Any], process: int) -> _Sharing:
    """Test whether the session is exclusive. Raises psycopg's error if the connection is lost."""
    try:
        return _sharing(conn, conn.opened_with or parameters, process)
    except psycopg.Error as error:
        if conn.closed or conn.broken:
            raise
        message = error.diag.message_primary or type(error).__name__
        return _Sharing(
            exclusive=False,
            unknown_reason=f"the server or the pooler rejected the test ({message})",
        )


def _sharing(conn: Connection, parameters: Mapping[str, Any], process: int) -> _Sharing:
    # The cheap tests come first: they detect most poolers without a LISTEN in another's session.
    slowest = 0.0
    for _ in range(_READS):
        started_at = time.monotonic()
        if _backend_pid(conn) != process:
            return _LENT
        slowest = max(slowest, time.monotonic() - started_at)
    limit = min(max(_SHORTEST, slowest * _ROUND_TRIPS), _LONGEST)
    with ExitStack() as stack:
        others: list[Connection] = []
        for _ in range(_OTHERS):
            client = _open_transaction(stack, conn, parameters, limit)
            if client is None:
                break
            other, other_pid = client
            others.append(other)
            if other_pid == process:
                return _LENT
            sharing = _sharing_during_transactions(stack, conn, process, limit)
            if sharing is not None:
                return sharing
        if not others:
            return _Sharing(
                exclusive=False, unknown_reason="no second client was served beside this one"
            )
        notified = _receives_notification(conn, others[-1], process, limit)
        if notified is not False:
            return _EXCLUSIVE if notified else _LENT
    return _Sharing(exclusive=False, unknown_reason="no notification of another client arrived")


def _sharing_during_transactions(
    others: ExitStack, conn: Connection, process: int, limit: float
) -> _Sharing | None:
    """Query our pid while other clients hold transactions; None if our backend responds in time."""
    question = Question(conn, _PID)
    in_time = question.wait(limit)
    if not in_time:
        others.close()  # we may be waiting for one of their backends
        question.wait()
    if _pid_of(question) != process:
        return _LENT
    waited = _Sharing(
        exclusive=False, unknown_reason="it had to wait while other clients had a transaction"
    )
    return None if in_time else waited


def _backend_pid(conn: Connection) -> int:
    question = Question(conn, _PID)
    question.wait()
    return _pid_of(question)


def _pid_of(question: Question) -> int:
    error = error_of(question.results)
    if error is not None:
        raise error
    return int(question.results[-1].get_value(0, 0) or 0)


def _open_transaction(
    stack: ExitStack, conn: Connection, parameters: Mapping[str, Any], limit: float
) -> tuple[Connection, int] | None:
    """Open a transaction in another client; return the client and the pid of its backend.

    None if the client is not served within ``limit`` seconds.
    """
    with suppress(psycopg.Error):
        other = stack.enter_context(_client(conn, parameters, limit))
        question = Question(other, b"BEGIN; " + _PID)
        if question.wait(limit):
            return other, _pid_of(question)
    return None


@contextmanager
def _client(conn: Connection, parameters: Mapping[str, Any], limit: float) -> Iterator[Connection]:
    """Open another connection through the same pooler; roll back before closing it."""
    other = open_connection(sibling_parameters(conn, parameters))
    try:
        yield other
    finally:
        with suppress(psycopg.Error):
            if other.info.transaction_status in {
                pq.TransactionStatus.INTRANS,
                pq.TransactionStatus.INERROR,
            }:
                Question(other, b"ROLLBACK").wait(limit)
        other.close()


def _receives_notification(
    conn: Connection, other: Connection, process: int, limit: float
) -> bool | None:
    """Whether a notification of another client arrives while we send nothing.

    None if LISTEN ran in another backend than ours.
    """
    channel = f"pgbraid_{secrets.token_hex(8)}".encode()
    listening = Question(conn, b"LISTEN " + channel + b"; " + _PID)
    listening.wait()
    listener = _pid_of(listening)
    try:
        if listener != process:
            return None
        time.sleep(_IDLE)
        notifying = Question(other, b"NOTIFY " + channel + b"; COMMIT")
        if not notifying.wait(limit):
            return False
        _raise_failed(notifying)
        return conn.wait(_notified(conn.pgconn, channel, limit))
    finally:
        _unlisten(conn, channel, listener)


def _unlisten(conn: Connection, channel: bytes, process: int) -> None:
    """Stop listening in the backend ``process``; repeat until the pooler lends us that one."""
    deadline = time.monotonic() + _LONGEST
    with suppress(psycopg.Error):
        while True:
            question = Question(conn, b"UNLISTEN " + channel + b"; " + _PID)
            question.wait()
            if _pid_of(question) == process or time.monotonic() >= deadline:
                return
            time.sleep(_RETRY_PAUSE)  # another client has that backend now


def _notified(pgconn: pq.abc.PGconn, channel: bytes, limit: float) -> PQGen[bool]:
    deadline = time.monotonic() + limit
    while True:
        pgconn.consume_input()
        while (note := pgconn.notifies()) is not None:
            if note.relname == channel:
                return True
        if time.monotonic() >= deadline:
            return False
        yield Wait.R


def _raise_failed(question: Question) -> None:
    error = error_of(question.results)
    if error is not None:
        raise error


def release_session(conn: Connection) -> None:
    """Discard our session state before a session pooler gives the session to its next client.

    PgBouncer with an empty ``server_reset_query`` does not reset it. Raises no error.
    """
    conn.stop = None
    if (
        not (conn.closed or conn.broken)
        and conn.info.transaction_status == pq.TransactionStatus.IDLE
    ):
        with suppress(psycopg.Error):
            Question(conn, b"DISCARD ALL").wait(_LONGEST)
