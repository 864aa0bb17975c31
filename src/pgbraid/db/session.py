"""One connection for everything: connect, lock, fence, and put right what a body changed."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor

from pgbraid.core.durations import setting_of
from pgbraid.core.lockkey import lock_key
from pgbraid.core.model import Limits
from pgbraid.db.opening import Arrival, open_connection
from pgbraid.db.statements import plain_text, statement
from pgbraid.db.wire import failed, send
from pgbraid.errors import (
    ConnectionFailed,
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
    from pgbraid.db.opening import Connection
    from pgbraid.db.watch import Watch
    from pgbraid.stop import StopToken

__all__ = [
    "Pool",
    "Session",
    "behind_a_pooler",
    "cancel",
    "check_role",
    "claim",
    "clean",
    "cleaning",
    "connect",
    "diagnose",
    "notices",
    "own_text",
    "send_own",
    "timeouts",
    "translating",
]

_OLDEST_SERVER = 130000
_PINS_SINCE = ((140000, "pin_14"), (170000, "pin_17"))
_WATCHES_SINCE = 140000
_DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})
"""Values of synchronous_commit that wait for the disk, and maybe for more."""
_UNSUPPORTED = "unsupported startup parameter: options"
"""What PgBouncer says."""
_NO_OPTION = "A pooler takes no startup option, by which the role is set."
_DIRECTLY = "Connect to the server itself, past the pooler (`direct_url`), then run it again."
_DRIVERS_WORDS = re.compile(r"^(?:connection failed|connection is bad): ")
_CANCEL_TIMEOUT = 1.0


class Pool:
    """A pooler; ``settings`` are those that the session in use had before our transaction.

    Such as have a dot in their names, which no list of the server's has, count where a body
    names them; None is one that was not set.
    """

    __slots__ = ("settings",)

    def __init__(self) -> None:
        self.settings: dict[str, str | None] = {}

    def unknown(self, text: str) -> list[str]:
        """Return the settings with a dot in their names that a text sets for the first time."""
        from pgbraid.core.settings_named import dotted_settings  # noqa: PLC0415 - behind a pooler

        return sorted(dotted_settings(text) - self.settings.keys())


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
    limits: Limits = field(default_factory=Limits)
    pool: Pool | None = None
    """What is known of the pooler that stands between, so that the session is ours in a
    transaction only."""
    watch: Watch | None = field(default=None, repr=False, compare=False)
    """Who looks what a long statement waits for."""

    @property
    def key(self) -> int:
        """The key of the tracker's advisory lock."""
        return lock_key(self.tracker)

    @property
    def encoding(self) -> str:
        """PostgreSQL's name of the database's encoding, such as UTF8."""
        return self.conn.info.parameter_status("server_encoding") or ""

    @property
    def pooled(self) -> bool:
        """Whether a pooler stands between."""
        return self.pool is not None

    def watching(self, *, committing: bool = False) -> Callable[[], None] | None:
        """Begin to watch a statement, and return what to call while it takes long."""
        if self.watch is None:
            return None
        self.watch.begin(committing=committing)
        return self.watch.tick

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

    A server that is not there yet is waited for as long as the target says. Raises
    ConnectionFailed where there is none or it is lost, ServerError where the server refuses a
    statement of ours, and Stopped where ``stop`` was asked; no message repeats a secret.
    """
    conn = _opened(target, stop)
    if isinstance(conn, ConnectionFailed):
        raise conn
    conn.stop = stop
    session = Session(conn, replace(target, wait=0.0), tracker, stop)
    with conn, translating(session):
        yield session


def _opened(target: Target, stop: StopToken) -> Connection | ConnectionFailed:
    """Return a connection, or an error, which must not have the driver's for its context."""
    opening = target.opening
    arrival = Arrival(target.parameters, target.wait)
    while True:
        try:
            return opening.take() if opening else open_connection(target.parameters)
        except psycopg.Error as error:
            failed = _no_connection(target, error)
        if not arrival.may_come():
            return failed
        if target.tell and arrival.tries == 1:
            target.tell(failed.message)
        stop.sleep(arrival.pause)


def cancel(session: Session) -> None:
    """Ask the server to end the statement in progress."""
    with suppress(psycopg.Error):
        session.conn.cancel_safe(timeout=_CANCEL_TIMEOUT)


def _no_connection(target: Target, error: psycopg.Error) -> ConnectionFailed:
    lines = [line.strip() for line in target.scrub(str(error)).splitlines() if line.strip()]
    if target.role and any(_UNSUPPORTED in line for line in lines):
        return TargetRefused(
            f"{target.label} is a connection pooler, through which no session can be role "
            f"{target.role}",
            detail=_NO_OPTION,
            hint=_DIRECTLY,
        )
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
        hint = "Run `pgbraid status`: what it lists as applied is committed."
        if error.sqlstate is None:  # what it sends before anybody listens, the driver drops
            hint += " The server's log says why; a short idle_session_timeout may be the reason."
        return ConnectionFailed(
            f"the connection to {target.label} was lost: {diagnostic.message}", hint=hint
        )
    from pgbraid.db.blame import cause_of  # noqa: PLC0415 - only where something was refused

    return ServerError(
        diagnostic.message,
        detail=diagnostic.detail,
        hint=diagnostic.hint or cause_of(session.conn, diagnostic),
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
    from pgbraid.db.races import is_race  # noqa: PLC0415

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


def claim(session: Session, limits: Limits | None = None, *, pools: bool = False) -> Session:
    """Return the session set up to migrate, once it is sure that this connection can.

    Raises TargetRefused for a standby, a server below 13, a session that is read-only, one that
    is not the role asked for and, unless it is for what ``pools``, a connection through a pooler.
    """
    row = session.run("session", "facts").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    in_recovery, backend_pid, server_version, commit, read_only, role, since = row
    _check_server(session, server_version, in_recovery=in_recovery, read_only=read_only)
    check_role(session, role)
    pooled = backend_pid != session.conn.info.backend_pid
    if pooled and not pools:
        raise behind_a_pooler(session)
    if not pooled:
        session.conn.parameters, session.conn.since = session.target.parameters, since
    durable = commit if commit in _DURABLE else "on"
    claimed = replace(
        session,
        durable=durable,
        pid=backend_pid,
        limits=limits or session.limits,
        pool=Pool() if pooled else None,
    )
    return claimed if pooled else _pinned(claimed)


def check_role(session: Session, role: str | None) -> None:
    """Refuse a session that is not the role asked for. Raises TargetRefused."""
    if session.target.role not in {None, role}:
        raise TargetRefused(
            f"the session is role {role}, not {session.target.role}",
            detail=_NO_OPTION,
            hint=_DIRECTLY,
        )


def _check_server(session: Session, version: int, *, in_recovery: bool, read_only: bool) -> None:
    label = session.target.label
    if version < _OLDEST_SERVER:
        raise TargetRefused(
            f"the server is PostgreSQL {version // 10000}; pgbraid needs 13 or newer",
            hint="Upgrade the server, or name another one.",
        )
    if in_recovery:
        raise TargetRefused(f"{label} is a standby: it can only be read")
    if read_only:
        raise TargetRefused(
            f"{label} is read-only: default_transaction_read_only is on",
            detail="Somebody has set it for the server, the database or the role.",
            hint="Take that back, or put options=-c%20default_transaction_read_only=off into "
            "the URL, then run `pgbraid up` again.",
        )


def behind_a_pooler(session: Session, what: str = "this command") -> TargetRefused:
    """Return the refusal of what cannot be done through a pooler."""
    return TargetRefused(
        f"{session.target.label} is a connection pooler, through which {what} cannot run",
        detail="A pooler may give the session, and with it the advisory lock, to another client.",
        hint=_DIRECTLY,
    )


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
    limits = [f"SET {limit}" for limit in timeouts(session.limits)]
    return ";\n".join([*own, *limits, f"SET synchronous_commit = {session.durable}"])


def timeouts(limits: Limits) -> tuple[str, str]:
    """Return the settings that limit a body's statements, as SET and SET LOCAL take them."""
    return (
        f"lock_timeout = {setting_of(limits.lock_timeout)}",
        f"statement_timeout = {setting_of(limits.statement_timeout)}",
    )


def own_text(session: Session, name: str) -> str:
    """Return the text of a statement of ours that takes no values."""
    return plain_text(name, session.tracker)


def clean(session: Session) -> None:
    """Undo what a migration's body left in the session: role, settings, temporary tables.

    A pool's session was left clean before its transaction ended.
    """
    if not session.pooled:
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


@contextmanager
def notices(session: Session, hear: Callable[[Diagnostic], None]) -> Iterator[None]:
    """Call ``hear`` with every notice that the server sends during the block.

    What it raises, or a signal's handler meanwhile, ends the statement.
    """

    def handler(diag: psycopg.errors.Diagnostic) -> None:
        try:
            hear(diagnose(session.target, diag))
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            session.conn.unheard = session.conn.unheard or error

    session.conn.add_notice_handler(handler)
    try:
        yield
    finally:
        session.conn.remove_notice_handler(handler)
