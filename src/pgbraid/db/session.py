"""One connection for everything: connect, lock, fence, and put right what a body changed."""

from __future__ import annotations

import random
import re
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor, pq, sql

from pgbraid.core.lockkey import lock_key
from pgbraid.core.masking import NO_SECRETS, Secrets, mask, secrets_in
from pgbraid.core.model import Diagnostic
from pgbraid.db.statements import statement
from pgbraid.db.wire import failed, send
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
    "defer_again",
    "diagnose",
    "fire_deferred",
    "open_path",
    "restore",
    "savepoint",
    "settle",
    "take_lock",
    "transaction",
    "translating",
]

_OLDEST_SERVER = 130000
_PINS_SINCE = ((140000, "pin_14"), (170000, "pin_17"))
_NO_RIGHT = "42501"
_DRIVERS_WORDS = re.compile(r"^(?:connection failed|connection is bad): ")
_TELL_AFTER = 1.0
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

    @property
    def encoding(self) -> str:
        """PostgreSQL's name of the database's encoding, such as UTF8."""
        return self.conn.info.parameter_status("server_encoding") or ""

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
    cancelling = stop.cancelling(lambda: _cancel(conn))
    with conn, cancelling, translating(session):
        yield session


def _cancel(conn: Connection) -> None:
    """Ask the server to end the statement in progress; who asks, asks again."""
    with suppress(psycopg.Error):
        conn.cancel_safe(timeout=_CANCEL_TIMEOUT)


def _no_connection(target: Target, error: psycopg.Error) -> ConnectionFailed:
    lines = [line.strip() for line in target.scrub(str(error)).splitlines() if line.strip()]
    message = _DRIVERS_WORDS.sub("", lines[0] if lines else "no answer")
    detail = "\n".join(lines[1:]) or None
    return ConnectionFailed(f"cannot connect to {target.label}: {message}", detail=detail)


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
            hint="Run `pgbraid status`: what it lists as applied is committed.",
        )
    rights = "Check the role's rights on the tracker's schema, then run `pgbraid status`."
    return ServerError(
        diagnostic.message,
        detail=diagnostic.detail,
        hint=diagnostic.hint or (rights if diagnostic.sqlstate == _NO_RIGHT else None),
        diagnostic=diagnostic,
    )


def diagnose(
    target: Target,
    diag: psycopg.errors.Diagnostic,
    error: psycopg.Error | None = None,
    *,
    secrets: Secrets = NO_SECRETS,
) -> Diagnostic:
    """Return what the server said as a value, without the target's secrets, or a script's."""

    def clean(text: str | None) -> str | None:
        if not text:
            return None
        return mask(target.scrub(text), secrets | secrets_in(text))

    return Diagnostic(
        severity=diag.severity_nonlocalized or diag.severity or "ERROR",
        message=clean(diag.message_primary or str(error or "").strip()) or "",
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
    version = session.conn.info.server_version
    for since, name in _PINS_SINCE:
        if version >= since:
            session.run("session", name)
    idle = session.conn.info.transaction_status == pq.TransactionStatus.IDLE
    if idle and version >= _PINS_SINCE[0][0]:
        with suppress(psycopg.DataError):
            session.run("session", "check_interval")


def clean(session: Session) -> None:
    """Undo what a migration's body left in the session: role, settings, temporary tables."""
    _send(session, "reset")
    _pin(session)


def _send(session: Session, name: str) -> None:
    """Run a statement of ours as bytes: a body may have set an encoding unknown to Python."""
    session.stop.check()
    message = statement("session", name, session.tracker, with_values=False)
    error = failed(send(session.conn, message.as_string(None).encode()))
    if error is not None:
        raise error


def restore(session: Session, *, wait: float) -> None:
    """Clean the session between migrations, and make sure that it holds our lock and no other.

    If a body gave the lock away, take it again, waiting up to ``wait`` seconds.
    """
    clean(session)
    row = session.run("session", "locks_held", key=session.key).fetchone()
    if row != (True, False):
        session.run("session", "unlock_all")
        take_lock(session, wait=wait)


def take_lock(
    session: Session,
    *,
    wait: float,
    done: Callable[[], bool] | None = None,
    tell: Callable[[str], None] | None = None,
) -> bool:
    """Take the tracker's advisory lock; return False if ``done`` came true while waiting.

    The lock is polled for, as a session that waits inside the server would stop a CREATE INDEX
    CONCURRENTLY of the holder. There is no unlock: closing the connection gives the lock back.
    ``tell`` is called once, with who holds it, where that takes a while. Raises LockTimeout
    after ``wait`` seconds.
    """
    begun, pause, tries = time.monotonic(), _FIRST_WAIT, 0
    while session.run("session", "try_lock", key=session.key).fetchone() != (True,):
        tries += 1
        if done and tries % _LOOK_EVERY == 0 and done():
            return False
        waited = time.monotonic() - begun
        if waited >= wait:
            raise _timed_out(session, wait)
        if tell and waited >= _TELL_AFTER:
            tell(_holder(session) or "somebody")
            tell = None
        time.sleep(min(wait - waited, pause * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter
        pause = min(pause * 2, _LONGEST_WAIT)
    return True


def _timed_out(session: Session, wait: float) -> LockTimeout:
    holder = _holder(session)
    return LockTimeout(
        f"another run holds the migration lock; waited {wait:g} s",
        detail=f"It is held by {holder}." if holder else None,
        hint="Wait for it to end, or give more time with --lock-wait; pgbraid ends no other "
        "session.",
    )


def _holder(session: Session) -> str | None:
    """Return who holds the lock, for a person to read, or None where nobody does now."""
    row = session.run("session", "lock_holder", key=session.key).fetchone()
    if row is None:
        return None
    pid, role, application, host, since, state = row
    known = [
        f"process {pid} ({application or 'no application name'})",
        f"role {role}" if role else "",
        f"host {host}" if host and since else "",
        f"connected since {since}" if since else "",
        f"now {state}" if state else "",
    ]
    return ", ".join(part for part in known if part)


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
    """Run a block below a savepoint, which an exception takes back.

    Raises ServerError where the server refuses the block's statements. Where the transaction
    is not there any more, the exception goes on as it is.
    """
    conn = session.conn
    conn.execute("SAVEPOINT pgbraid_rehearsal")
    with translating(session):
        try:
            yield
            conn.execute("RELEASE SAVEPOINT pgbraid_rehearsal")
        except BaseException:
            with suppress(psycopg.Error):
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
    """Give the body that follows in this transaction the role's own search path and rows."""
    session.run("session", "open_path")


def settle(session: Session, transaction_id: str) -> bool:
    """Take back what a body set, for the rest of the transaction: role, path, encoding.

    Returns whether the session is still in that transaction, and could commit it.
    """
    if session.conn.info.transaction_status != pq.TransactionStatus.INTRANS:
        return False
    _send(session, "settle")
    return session.run("session", "in_transaction", id=transaction_id).fetchone() == (True,)


def fire_deferred(session: Session) -> None:
    """Run now what the transaction has deferred to its end."""
    session.stop.check()
    error = failed(send(session.conn, b"SET CONSTRAINTS ALL IMMEDIATE"))
    if error is not None:
        raise error


def defer_again(session: Session) -> None:
    """Set every constraint as a transaction begins with it.

    One whose name others of its schema share, that are set otherwise, stays deferred: it is
    tried at a body's end.
    """
    names = session.run("session", "begin_immediate").fetchall()
    session.conn.execute("SET CONSTRAINTS ALL DEFERRED")
    if names:
        listed = sql.SQL(", ").join(sql.Identifier(*name) for name in names)
        session.conn.execute(sql.SQL("SET CONSTRAINTS {} IMMEDIATE").format(listed))
