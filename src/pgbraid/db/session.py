"""One connection for everything: connect, lock, fence, and put right what a body changed."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor, pq

from pgbraid.core.lockkey import lock_key
from pgbraid.core.masking import mask_passwords
from pgbraid.core.model import Diagnostic
from pgbraid.db.statements import statement
from pgbraid.errors import (
    ConnectionFailed,
    LockLost,
    LockTimeout,
    PgbraidError,
    ServerError,
    Stopped,
    TargetRefused,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.core.model import Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.stop import StopToken

    Connection = psycopg.Connection[tuple[Any, ...]]

__all__ = [
    "Session",
    "claim",
    "clean",
    "connect",
    "diagnose",
    "open_path",
    "restore",
    "savepoint",
    "settle",
    "still_in",
    "take_lock",
    "transaction",
    "translating",
]

_OLDEST_SERVER = 130000
_IDLE_SESSION_TIMEOUT = 140000
_CANCEL_TIMEOUT = 1.0
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5
_LOOK_EVERY = 3


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one database, and the tracker it is about."""

    conn: Connection
    target: Target
    tracker: Tracker
    stop: StopToken

    @property
    def key(self) -> int:
        """The key of the tracker's advisory lock."""
        return lock_key(self.tracker)

    def run(self, file: str, name: str, /, **values: object) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a named statement of ours by the simple protocol and return its cursor."""
        self.stop.check()
        query = statement(file, name, self.tracker, with_values=bool(values))
        return self.conn.execute(query, values or None)


@contextmanager
def connect(target: Target, tracker: Tracker, stop: StopToken) -> Iterator[Session]:
    """Open a connection in autocommit; closing it also gives back every lock.

    Raises ConnectionFailed where there is none or it is lost, ServerError where the server
    refuses a statement of ours, and Stopped where ``stop`` was asked; no message repeats a
    secret.
    """
    try:
        conn: Connection = psycopg.connect(
            **target.parameters,
            autocommit=True,
            prepare_threshold=None,
            cursor_factory=ClientCursor,
        )
    except psycopg.Error as error:
        raise _no_connection(target, error) from None
    session = Session(conn, target, tracker, stop)
    cancelling = stop.cancelling(lambda: conn.cancel_safe(timeout=_CANCEL_TIMEOUT))
    with conn, cancelling, translating(session):
        yield session


def _no_connection(target: Target, error: psycopg.Error) -> ConnectionFailed:
    text = target.scrub(str(error)).removeprefix("connection failed: ").strip()
    message, _, detail = text.partition("\n")
    return ConnectionFailed(f"cannot connect to {target.label}: {message}", detail=detail or None)


@contextmanager
def translating(session: Session) -> Iterator[None]:
    """Raise the driver's errors as ours."""
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
        return ConnectionFailed(
            f"the connection to {target.label} was lost: {diagnostic.message}",
            detail="Whether the migration in progress was committed is not known from here.",
            hint="Run `pgbraid status`: what it lists as applied is committed.",
        )
    return ServerError(
        diagnostic.message,
        detail=diagnostic.detail,
        hint=diagnostic.hint,
        diagnostic=diagnostic,
    )


def diagnose(
    target: Target, diag: psycopg.errors.Diagnostic, error: psycopg.Error | None = None
) -> Diagnostic:
    """Return what the server said as a value, without the target's secrets."""

    def clean(text: str | None) -> str | None:
        return mask_passwords(target.scrub(text)) if text else None

    return Diagnostic(
        severity=diag.severity_nonlocalized or diag.severity or "ERROR",
        message=target.scrub(diag.message_primary or str(error or "").strip()),
        sqlstate=diag.sqlstate,
        detail=clean(diag.message_detail),
        hint=clean(diag.message_hint),
        context=clean(diag.context),
        internal_query=clean(diag.internal_query),
    )


def claim(session: Session) -> None:
    """Make sure that this connection can migrate, and set it up for it.

    Raises TargetRefused for a standby, a server below 13 and a connection through a pooler.
    """
    row = session.run("session", "facts").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    in_recovery, backend_pid, server_version = row
    if server_version < _OLDEST_SERVER:
        raise TargetRefused(
            f"the server is PostgreSQL {server_version // 10000}; pgbraid needs 13 or newer",
            hint="Upgrade the server, or name another one.",
        )
    if in_recovery:
        raise TargetRefused(f"{session.target.label} is a standby: it can only be read")
    if backend_pid != session.conn.info.backend_pid:
        raise TargetRefused(
            f"{session.target.label} is a connection pooler",
            detail="A pooler may give the advisory lock to another client.",
            hint="Give the direct URL of the server, then run `pgbraid up` again.",
        )
    _pin(session)


def _pin(session: Session) -> None:
    session.run("session", "pin")
    if session.conn.info.server_version >= _IDLE_SESSION_TIMEOUT:
        session.run("session", "pin_14")
        with suppress(psycopg.DataError):
            session.run("session", "check_interval")


def clean(session: Session) -> None:
    """Undo what a migration's body left in the session: role, settings, temporary tables."""
    session.run("session", "reset")
    _pin(session)


def restore(session: Session, *, wait: float) -> None:
    """Clean the session between migrations, and make sure that it holds the lock.

    If the body gave the lock away, take it again, waiting up to ``wait`` seconds.
    """
    clean(session)
    held = session.run("session", "lock_held", key=session.key).fetchone()
    if held != (True,):
        take_lock(session, wait=wait)


def take_lock(session: Session, *, wait: float, done: Callable[[], bool] | None = None) -> bool:
    """Take the tracker's advisory lock; return False if ``done`` came true while waiting.

    The lock is polled for, as a session that waits inside the server would stop a CREATE INDEX
    CONCURRENTLY of the holder. There is no unlock: closing the connection gives the lock back.
    Raises LockTimeout after ``wait`` seconds.
    """
    deadline, pause = time.monotonic() + wait, _FIRST_WAIT
    tries = 0
    while session.run("session", "try_lock", key=session.key).fetchone() != (True,):
        tries += 1
        if done and tries % _LOOK_EVERY == 0 and done():
            return False
        left = deadline - time.monotonic()
        if left <= 0:
            raise _timed_out(session, wait)
        time.sleep(min(left, pause * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter
        pause = min(pause * 2, _LONGEST_WAIT)
    return True


def _timed_out(session: Session, wait: float) -> LockTimeout:
    row = session.run("session", "lock_holder", key=session.key).fetchone()
    detail = None
    if row:
        pid, role, application, host, since, state = row
        detail = (
            f"It is held by process {pid} ({application or 'no application name'}), role {role}, "
            f"host {host}, connected since {since}, now {state}."
        )
    return LockTimeout(
        f"another run holds the migration lock; waited {wait:g} s",
        detail=detail,
        hint="Wait for it to end, or give more time with --lock-wait; pgbraid ends no other "
        "session.",
    )


@contextmanager
def transaction(session: Session, *, keep: bool = True) -> Iterator[str]:
    """Run a block in one fenced transaction and commit it; yield the transaction's id.

    Any exception rolls back, and so does the end of the block unless it is to ``keep``. Raises
    LockLost where another session holds the fence, ServerError where the server refuses the
    block's statements or the COMMIT, and ConnectionFailed where the connection is lost.
    """
    conn = session.conn
    with translating(session):
        try:
            yield _begin(session)
            conn.execute("COMMIT" if keep else "ROLLBACK")
        except BaseException:
            if conn.info.transaction_status != pq.TransactionStatus.UNKNOWN:
                conn.execute("ROLLBACK")
            raise


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Run a block below a savepoint and check its deferred constraints at the end.

    An exception takes back what the block did and leaves the transaction usable; raises
    ServerError where a constraint does not hold.
    """
    conn = session.conn
    conn.execute("SAVEPOINT pgbraid_rehearsal")
    with translating(session):
        try:
            yield
            session.run("session", "check_constraints")
        except Exception:
            conn.execute("ROLLBACK TO SAVEPOINT pgbraid_rehearsal")
            raise


def _begin(session: Session) -> str:
    cursor = session.run("session", "begin", key=session.key)
    cursor.nextset()
    row = cursor.fetchone()
    if row is None or row[0] is not True:
        raise LockLost
    return str(row[1])


def open_path(session: Session) -> None:
    """Give the body that follows in this transaction the role's own search path."""
    session.run("session", "open_path")


def still_in(session: Session, transaction_id: str) -> bool:
    """Whether the session is in that transaction, and could commit it."""
    if session.conn.info.transaction_status != pq.TransactionStatus.INTRANS:
        return False
    return session.run("session", "transaction_id").fetchone() == (transaction_id,)


def settle(session: Session) -> None:
    """Take back what a body set, for the rest of the transaction: role, path, encoding."""
    session.run("session", "settle")
