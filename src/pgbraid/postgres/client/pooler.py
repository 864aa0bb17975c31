"""Poolers and proxies between us and the server, and whether one gives us a session of our own.

The protocol names a process for each connection. Where that is not the server's own, somebody
stands between: a pooler that lends a session for a transaction, or a proxy or pooler that gives
each client one session as long as it is connected. Only what it does tells the two apart.

A session that is only lent can look like one of our own for a while: a pooler prefers the one that
was used last, or has another process with a pool of its own. So it counts as our own only where
the server could reach us while we asked it nothing: a notification that another client sends
comes at once, as the session is still connected to us. A pooler that lends sessions has nobody to
give it to. Everything here has a short limit of time.
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

from pgbraid.postgres.client.connection import open_connection, sibling_parameters
from pgbraid.postgres.client.server_requirements import not_session_pooler_refusal, role_refusal
from pgbraid.postgres.client.session import PoolerState, set_role_sql
from pgbraid.postgres.client.wire import Question, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from psycopg.abc import PQGen

    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.session import Session

__all__ = ["find_pooler", "release_session", "set_role"]

_READS, _OTHERS = 3, 2
"""How often we ask for our process, and how many other clients hold a transaction meanwhile."""
_SHORTEST, _ROUND_TRIPS, _LONGEST = 0.5, 20, 2.0
"""Seconds that an answer may take, or that many of the slowest of the first answers."""
_IDLE = 0.2
"""Seconds without a question of ours, after which a pooler would have taken the session back."""
_BETWEEN = 0.01
"""Seconds between two questions for a process that another client was given."""
_PROCESS = b"SELECT pg_catalog.pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class _Sharing:
    """Whether a session is ours alone; where that was not found out, why it is ``unclear``."""

    ours: bool
    unclear: str | None = None


_OURS = _Sharing(ours=True)
_LENT = _Sharing(ours=False)


def find_pooler(session: Session, process: int) -> PoolerState | None:
    """Return the pooler that lends the session, or None where the session is ours alone.

    ``process`` is the server's, which is not the one that the protocol names. Where the pooler
    shows neither, what the user says decides. Raises TargetRefused where the user says what is not
    so, and psycopg's error where our connection is lost.
    """
    conn, target = session.conn, session.target
    if process == conn.process:
        return None
    moved = conn.process is not None
    sharing = _LENT if moved else _found_out(conn, target.parameters, process)
    if sharing.ours or (target.session_pooler and sharing.unclear):
        conn.process = process
        return None
    if target.session_pooler:
        raise not_session_pooler_refusal(session)
    return PoolerState(sharing.unclear)


def set_role(session: Session, role: str) -> None:
    """Be a role by SET ROLE, where a pooler takes no option for it.

    Raises TargetRefused where the pooler lends sessions.
    """
    row = session.run("session", "who").fetchone()
    if row is None or row[0] == role:
        return
    if row[1] != session.conn.info.backend_pid and find_pooler(session, row[1]) is not None:
        raise role_refusal(session.target)
    session.conn.role = role
    question = Question(session.conn, set_role_sql(role).encode())
    question.wait()
    _raise_failed(question)


def _found_out(conn: Connection, parameters: Mapping[str, Any], process: int) -> _Sharing:
    """Find out whether the session is ours alone. Raises psycopg's error where it is lost."""
    try:
        return _sharing(conn, conn.opened_with or parameters, process)
    except psycopg.Error as error:
        if conn.closed or conn.broken:
            raise
        said = error.diag.message_primary or type(error).__name__
        return _Sharing(ours=False, unclear=f"the server or the pooler refused to show it ({said})")


def _sharing(conn: Connection, parameters: Mapping[str, Any], process: int) -> _Sharing:
    slowest = 0.0
    for _ in range(_READS):
        begun = time.monotonic()
        if _process(conn) != process:
            return _LENT
        slowest = max(slowest, time.monotonic() - begun)
    limit = min(max(_SHORTEST, slowest * _ROUND_TRIPS), _LONGEST)
    with ExitStack() as stack:
        others: list[Connection] = []
        for _ in range(_OTHERS):
            found = _other(stack, conn, parameters, limit)
            if found is None:
                break
            others.append(found[0])
            if found[1] == process:
                return _LENT
            if (seen := _seen_beside(stack, conn, process, limit)) is not None:
                return seen
        if not others:
            return _Sharing(ours=False, unclear="no second client was served beside this one")
        heard = _hears(conn, others[-1], process, limit)
        if heard is not False:
            return _OURS if heard else _LENT
    return _Sharing(ours=False, unclear="no notification of another client came through")


def _seen_beside(
    others: ExitStack, conn: Connection, process: int, limit: float
) -> _Sharing | None:
    """Return what it shows that we are given another process, or wait for one, beside others.

    None where we get our own at once.
    """
    question = Question(conn, _PROCESS)
    at_once = question.wait(limit)
    if not at_once:
        others.close()  # what we wait for may be theirs
        question.wait()
    if _number(question) != process:
        return _LENT
    waited = _Sharing(ours=False, unclear="it had to wait while other clients had a transaction")
    return None if at_once else waited


def _process(conn: Connection) -> int:
    """Return the server's process of this moment."""
    question = Question(conn, _PROCESS)
    question.wait()
    return _number(question)


def _number(question: Question) -> int:
    error = error_of(question.results)
    if error is not None:
        raise error
    return int(question.results[-1].get_value(0, 0) or 0)


def _other(
    stack: ExitStack, conn: Connection, parameters: Mapping[str, Any], limit: float
) -> tuple[Connection, int] | None:
    """Have another client hold a transaction; return it, and the process that it was given.

    None where it is not served.
    """
    with suppress(psycopg.Error):
        other = stack.enter_context(_client(conn, parameters, limit))
        question = Question(other, b"BEGIN; " + _PROCESS)
        if question.wait(limit):
            return other, _number(question)
    return None


@contextmanager
def _client(conn: Connection, parameters: Mapping[str, Any], limit: float) -> Iterator[Connection]:
    """Open another connection along the same way; end its transaction before it is closed."""
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


def _hears(conn: Connection, other: Connection, process: int, limit: float) -> bool | None:
    """Whether a notification of another client reaches us while we ask nothing.

    None where another process than ours was given to us to listen in.
    """
    channel = f"pgbraid_{secrets.token_hex(8)}".encode()
    listening = Question(conn, b"LISTEN " + channel + b"; " + _PROCESS)
    listening.wait()
    listener = _number(listening)
    try:
        if listener != process:
            return None
        time.sleep(_IDLE)
        telling = Question(other, b"NOTIFY " + channel + b"; COMMIT")
        if not telling.wait(limit):
            return False
        _raise_failed(telling)
        return conn.wait(_notified(conn.pgconn, channel, limit))
    finally:
        _forget(conn, channel, listener)


def _forget(conn: Connection, channel: bytes, process: int) -> None:
    """Listen no more; a pooler that lends sessions may have to be asked again for that one."""
    deadline = time.monotonic() + _LONGEST
    with suppress(psycopg.Error):
        while True:
            question = Question(conn, b"UNLISTEN " + channel + b"; " + _PROCESS)
            question.wait()
            if _number(question) == process or time.monotonic() >= deadline:
                return
            time.sleep(_BETWEEN)  # another client has it now


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
    """Leave nothing in a session that a pooler may give to somebody else when we are gone.

    Some poolers are told not to clean it themselves. No error is raised.
    """
    conn.stop = None
    if (
        not (conn.closed or conn.broken)
        and conn.info.transaction_status == pq.TransactionStatus.IDLE
    ):
        with suppress(psycopg.Error):
            Question(conn, b"DISCARD ALL").wait(_LONGEST)
