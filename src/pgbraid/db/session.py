"""One connection for everything: connect, lock, fence, and put right what a body changed."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor

from pgbraid.core.lockkey import lock_key
from pgbraid.db.opening import open_connection
from pgbraid.db.statements import plain_text, statement
from pgbraid.db.wire import failed, send
from pgbraid.errors import (
    ConnectionFailed,
    LockTimeout,
    PgbraidError,
    ServerError,
    Stopped,
    TargetRefused,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.core.answers import Diagnostic
    from pgbraid.core.masking import Secrets
    from pgbraid.core.model import Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.stop import StopToken

    Connection = psycopg.Connection[tuple[Any, ...]]

__all__ = [
    "Session",
    "cancel",
    "claim",
    "clean",
    "cleaning",
    "connect",
    "diagnose",
    "keep_lock",
    "notices",
    "own_text",
    "send_own",
    "take_lock",
    "translating",
]

_OLDEST_SERVER = 130000
_PINS_SINCE = ((140000, "pin_14"), (170000, "pin_17"))
_WATCHES_SINCE = 140000
_DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})
"""Values of synchronous_commit that wait for the disk, and maybe for more."""
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
    watched: bool = False
    """Whether the server looks, during a long statement, if we are still there."""
    durable: str = "on"
    """The value of synchronous_commit with which a commit waits for the disk."""
    pid: int = 0
    """The number of the server's process."""

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

    def text(self, file: str, name: str, /, **values: object) -> str:
        """Return a named statement of ours with its values, to stand in a longer message."""
        query = statement(file, name, self.tracker, with_values=True)
        return ClientCursor(self.conn).mogrify(query, values)


@contextmanager
def connect(target: Target, tracker: Tracker, stop: StopToken) -> Iterator[Session]:
    """Open a connection in autocommit; closing it also gives back every lock.

    Raises ConnectionFailed where there is none or it is lost, ServerError where the server
    refuses a statement of ours, and Stopped where ``stop`` was asked; no message repeats a
    secret.
    """
    try:
        opening = target.opening
        conn = opening.take() if opening else open_connection(target.parameters)
    except psycopg.Error as error:
        raise _no_connection(target, error) from None
    session = Session(conn, target, tracker, stop)
    cancelling = stop.cancelling(lambda: cancel(session))
    with conn, cancelling, translating(session):
        yield session


def cancel(session: Session) -> None:
    """Ask the server to end the statement in progress; who asks, asks again."""
    with suppress(psycopg.Error):
        session.conn.cancel_safe(timeout=_CANCEL_TIMEOUT)


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
    secrets: Secrets | None = None,
) -> Diagnostic:
    """Return what the server said as a value, without the target's secrets, or a script's."""
    from pgbraid.core.answers import Diagnostic  # noqa: PLC0415 - only where something is said
    from pgbraid.core.masking import NO_SECRETS, mask, secrets_in  # noqa: PLC0415

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
    )


def claim(session: Session) -> Session:
    """Return the session set up to migrate, once it is sure that this connection can.

    Raises TargetRefused for a standby, a server below 13 and a connection through a pooler.
    """
    row = session.run("session", "facts").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    in_recovery, backend_pid, server_version, commit = row
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
    durable = commit if commit in _DURABLE else "on"
    return _pinned(replace(session, durable=durable, pid=backend_pid))


def _pinned(session: Session) -> Session:
    """Pin the settings; the server of some platforms cannot watch a client, and says so."""
    if session.conn.info.server_version >= _WATCHES_SINCE:
        with suppress(psycopg.DataError):
            watched = replace(session, watched=True)
            _send(session, _pins(watched))
            return watched
    _send(session, _pins(session))
    return session


def _pins(session: Session) -> str:
    """Return the statements that pin what ours must not be led astray by, or cut short."""
    version = session.conn.info.server_version
    names = ["pin", *(name for since, name in _PINS_SINCE if version >= since)]
    names += ["check_interval"] if session.watched else []
    own = [own_text(session, name) for name in names]
    return ";\n".join([*own, f"SET synchronous_commit = {session.durable}"])


def own_text(session: Session, name: str) -> str:
    """Return the text of a statement of ours that takes no values."""
    return plain_text(name, session.tracker)


def clean(session: Session) -> None:
    """Undo what a migration's body left in the session: role, settings, temporary tables."""
    _send(session, cleaning(session))


def cleaning(session: Session) -> str:
    """Return the statements that do what :func:`clean` does."""
    return f"{own_text(session, 'reset')};\n{_pins(session)}"


def send_own(session: Session, name: str) -> None:
    """Run a statement of ours as bytes: a body may have set an encoding unknown to Python."""
    _send(session, own_text(session, name))


def _send(session: Session, text: str) -> None:
    session.stop.check()
    error = failed(send(session.conn, text.encode()))
    if error is not None:
        raise error


def keep_lock(session: Session, *, wait: float) -> None:
    """Make sure, between migrations, that the session holds our lock and no other.

    If a body gave the lock away, take it again, waiting up to ``wait`` seconds.
    """
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
    import random  # noqa: PLC0415 - most boots take no lock

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
def notices(session: Session, hear: Callable[[Diagnostic], None]) -> Iterator[None]:
    """Call ``hear`` with every notice that the server sends during the block."""

    def handler(diag: psycopg.errors.Diagnostic) -> None:
        hear(diagnose(session.target, diag))

    session.conn.add_notice_handler(handler)
    try:
        yield
    finally:
        session.conn.remove_notice_handler(handler)
