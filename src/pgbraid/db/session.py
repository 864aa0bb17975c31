"""One connection for everything: connect, lock, fence, and put right what a body changed."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor, sql

from pgbraid.core.durations import setting_of
from pgbraid.core.lockkey import lock_key
from pgbraid.core.model import Limits
from pgbraid.db.opening import Arrival, open_connection
from pgbraid.db.refusing import behind_a_pooler, check_role, check_server, no_role
from pgbraid.db.statements import plain_text, statement
from pgbraid.db.wire import failed, send
from pgbraid.errors import ConnectionFailed, PgbraidError, ServerError, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.core.answers import Diagnostic
    from pgbraid.core.masking import Secrets
    from pgbraid.core.model import Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.db.opening import Connection
    from pgbraid.db.pooling import Pool
    from pgbraid.db.watch import Watch
    from pgbraid.stop import StopToken

__all__ = [
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
    "set_role",
    "timeouts",
    "translating",
]

_PINS_SINCE = ((140000, "pin_14"), (170000, "pin_17"))
_WATCHES_SINCE = 140000
_DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})
"""Values of synchronous_commit that wait for the disk, and maybe for more."""
_UNSUPPORTED = re.compile("unsupported startup parameter(?:: options| in options: role)")
"""What PgBouncer says, before version 1.20 and since."""
_DRIVERS_WORDS = re.compile(r"^(?:connection failed|connection is bad): ")
_CANCEL_TIMEOUT = 1.0


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
        """Whether a pooler stands between that lends the session for a transaction."""
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

    def run_watched(
        self, file: str, name: str, /, **values: object
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a named statement as :meth:`run` does, and watch what it waits for."""
        self.conn.tick = self.watching()
        try:
            return self.run(file, name, **values)
        finally:
            self.conn.tick = None

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
        try:
            if target.role and (conn.opened_with or target.session_pooler):
                from pgbraid.db.pooling import become  # noqa: PLC0415 - behind a pooler

                become(session, target.role)
            yield session
        finally:
            if conn.process is not None:
                from pgbraid.db.pooling import let_go  # noqa: PLC0415 - behind a proxy

                let_go(conn)


def _opened(target: Target, stop: StopToken) -> Connection | ConnectionFailed:
    """Return a connection, or an error, which must not have the driver's for its context."""
    opening = target.opening
    arrival = Arrival(target.parameters, target.wait)
    while True:
        try:
            return opening.take() if opening else open_connection(target.parameters)
        except psycopg.Error as error:
            failed = _no_connection(target, error)
            if target.role and _UNSUPPORTED.search(failed.message):
                return _without_role(target)
        if not arrival.may_come():
            return failed
        if target.tell and arrival.tries == 1:
            target.tell(failed.message)
        stop.sleep(arrival.pause)


def _without_role(target: Target) -> Connection | ConnectionFailed:
    """Return a connection that was opened without the option that sets the role."""
    parameters = target.without_role()
    try:
        conn = open_connection(parameters)
    except psycopg.Error as error:
        failed = _no_connection(target, error)
        return no_role(target) if _UNSUPPORTED.search(failed.message) else failed
    conn.opened_with = parameters
    return conn


def cancel(session: Session) -> None:
    """Ask the server to end the statement in progress."""
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
    is not the role asked for and, unless it is for what ``pools``, a connection through a pooler
    that lends sessions.
    """
    row = session.run("session", "facts").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    in_recovery, backend_pid, server_version, commit, read_only, role, since = row
    check_server(session, server_version, in_recovery=in_recovery, read_only=read_only)
    check_role(session, role)
    pool = _pool_of(session, backend_pid)
    if pool and not pools:
        raise behind_a_pooler(replace(session, pool=pool))
    if pool is None:
        session.conn.parameters = session.conn.opened_with or session.target.parameters
        session.conn.since = since
    durable = commit if commit in _DURABLE else "on"
    claimed = replace(
        session,
        durable=durable,
        pid=backend_pid,
        limits=limits or session.limits,
        pool=pool,
    )
    return claimed if pool else _pinned(claimed)


def _pool_of(session: Session, process: int) -> Pool | None:
    """Return the pooler that lends the session, or None where it is ours."""
    if process == session.conn.info.backend_pid:
        return None
    from pgbraid.db.pooling import pool_of  # noqa: PLC0415 - behind a proxy

    return pool_of(session, process)


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
    role = [set_role(session.conn.role)] if session.conn.role else []
    return ";\n".join([*own, *limits, f"SET synchronous_commit = {session.durable}", *role])


def set_role(role: str) -> str:
    """Return the statement by which a session is a role that it did not begin as."""
    return f"SET ROLE {sql.Identifier(role).as_string(None)}"


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
