"""What happens inside a migration's transaction: begin it fenced, keep it ours, end it."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq, sql

from pgbraid.model.errors import LockLost, PgbraidError
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import (
    named_sql,
    send_named,
    set_role_sql,
    timeout_settings_sql,
)
from pgbraid.postgres.client.wire import error_of, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.options import Limits
    from pgbraid.postgres.client.session import Session

__all__ = [
    "BodyEffect",
    "OpenTransaction",
    "apply_body_settings",
    "apply_session_settings",
    "body_settings_sql",
    "finish_body",
    "finish_body_sql",
    "fire_deferred",
    "flush_wal",
    "refresh_ledger_stamp",
    "reset_parsing_settings",
    "restore_deferrable",
    "roll_back",
    "savepoint",
    "transaction",
]

_TRIES = 5
_OWN_ROWS = "SET LOCAL row_security TO DEFAULT"
_USUAL_LEVEL = "READ COMMITTED"
"""What our own BEGIN says, whatever the role's default is."""
_WHO = ("session_authorization", "role")
_LOOKS_SINCE = 140000
_IN_ERROR, _IN_TRANSACTION = pq.TransactionStatus.INERROR, pq.TransactionStatus.INTRANS


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that was begun: its id, and the tracker's filenode then.

    The id is the virtual one where the transaction was begun without another. Where we have
    written to the tracker in it ourselves, ``counted`` is what the statistics said after that.
    """

    id: str
    filenode: str | None
    counted: str | None = None


class BodyEffect(StrEnum):
    """How a body left its transaction."""

    NONE = "well"
    ENDED_TRANSACTION = "ended"
    """It is not there any more, or another one is."""
    WROTE_LEDGER = "touched"
    """The body has written to the tracker."""


@contextmanager
def transaction(
    session: Session,
    *,
    commit_at_end: bool = True,
    commit: str | None = None,
    isolation: str | None = None,
    without_xid: bool = False,
) -> Iterator[OpenTransaction]:
    """Run a block in one fenced transaction of an isolation level and commit it; yield it.

    Any exception rolls back, and so does the end of the block unless it is to ``commit_at_end``.
    Where no synchronous_commit is given to ``commit`` with, the disk is waited for. ``without_xid``
    says that the transaction gets an id only when the block writes something. Raises LockLost where
    another session holds the fence, ServerError where the server refuses the block's statements or
    the COMMIT, and ConnectionFailed where the connection is lost.
    """
    conn = session.conn
    with translate_errors(session):
        try:
            yield _begin(session, isolation, "begin_without_id" if without_xid else "begin")
            if commit_at_end:
                _commit(session, commit or session.durable_commit)
            else:
                conn.execute("ROLLBACK")
        except BaseException as error:
            if conn.info.transaction_status != pq.TransactionStatus.UNKNOWN:
                _rollback(session, error)
            raise


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Run a block below a savepoint, which an exception takes back.

    Raises ServerError where the server refuses the block's statements. Where the transaction
    is not there any more, the exception goes on as it is.
    """
    conn = session.conn
    conn.execute("SAVEPOINT pgbraid_rehearsal")
    with translate_errors(session):
        try:
            yield
            conn.execute("RELEASE SAVEPOINT pgbraid_rehearsal")
        except BaseException:
            with suppress(psycopg.Error):
                conn.execute("ROLLBACK TO SAVEPOINT pgbraid_rehearsal")
            raise


def _begin(session: Session, isolation: str | None, statement: str) -> OpenTransaction:
    session.stop.check()
    text = session.text("session", statement, key=session.key)
    if isolation:
        text = text.replace(_USUAL_LEVEL, isolation, 1)
    cursor = session.conn.execute(text.encode())
    cursor.nextset()
    row = cursor.fetchone()
    if row is None or row[0] is not True:
        raise LockLost
    session.conn.serving_pid = row[2]  # a pooler gives each transaction a process of its choice
    if session.pooler:
        session.pooler.settings = dict(session.run("session", "set_before").fetchall())
        send_named(session, "pin_local")
        if session.conn.info.server_version >= _LOOKS_SINCE:
            send_named(session, "pin_local_14")
        _send_all(session, [f"SET LOCAL {limit}" for limit in timeout_settings_sql(session.limits)])
    return OpenTransaction(str(row[1]), row[3])


def refresh_ledger_stamp(session: Session, opened: OpenTransaction) -> OpenTransaction:
    """Return the transaction as it is now that we have written to the tracker ourselves."""
    return replace(opened, counted=_counted(session))


def _counted(session: Session) -> str:
    row = session.run("session", "counted").fetchone()
    return str(row[0]) if row else ""


def _ledger_changed(session: Session, opened: OpenTransaction) -> bool:
    """Whether a body has written to the tracker since."""
    if opened.counted is not None:
        return _counted(session) != opened.counted
    if session.run("session", "filenode").fetchone() != (opened.filenode,):
        return True
    return session.run("session", "written").fetchone() == (True,)


def _commit(session: Session, commit: str) -> None:
    if session.pooled:
        _restore_pooled_session(session)
    _send_all(session, [f"SET LOCAL synchronous_commit = {commit}", "COMMIT"], committing=True)


def _restore_pooled_session(session: Session) -> None:
    """Leave nothing of a body in a session that the pooler gives to somebody else next.

    Only what differs is set, as the pool's role may not set all that the pooler has set.
    """
    send_named(session, "leave")
    send_named(session, "let_go")
    before = session.pooler.settings if session.pooler else {}
    now = dict(session.run("session", "set_before").fetchall())
    dotted = [name for name in before if "." in name]
    if dotted:
        now |= dict(session.run("session", "set_now", names=dotted).fetchall())
    for name in (now.keys() - before.keys()) | {n for n in before if before[n] != now.get(n)}:
        if name not in _WHO:
            session.run("session", "set_again", name=name, value=before.get(name))
    for name in _WHO:  # the first takes the second back
        if before.get(name) != now.get(name):
            session.run("session", "set_again", name=name, value=before.get(name))


def _rollback(session: Session, after: BaseException | None = None) -> None:
    """Roll back; what no rollback takes back in a pooler's session goes in the same message.

    No stop ends that, nor what it has to wait for. ``after`` is why; where that is neither the
    driver's nor ours, it is not replaced by the error of a connection that is lost.
    """
    ours = after is None or isinstance(after, (psycopg.Error, PgbraidError))
    with nullcontext() if ours else suppress(psycopg.Error):
        _rolled_back(session)


def _rolled_back(session: Session) -> None:
    session.conn.end_statement()  # an exception may have come before anybody waited for it
    stop, session.conn.stop = session.conn.stop, None
    try:
        if not session.pooled:
            session.conn.execute("ROLLBACK")
            return
        message = f"ROLLBACK; {named_sql(session, 'let_go')}".encode()
        for _ in range(_TRIES):  # a cancelling that was sent may still be on its way
            if error_of(send(session.conn, message)) is None:
                return
    finally:
        session.conn.stop = stop


def _send_all(session: Session, statements: list[str], *, committing: bool = False) -> None:
    session.stop.check()
    message = "; ".join(statements).encode()
    tick = session.watching(committing=committing)
    error = error_of(send(session.conn, message, tick=tick))
    if error is not None:
        raise error


def apply_body_settings(session: Session, limits: Limits | None = None) -> None:
    """Give the body that follows in this transaction the role's own search path and rows.

    Where the body has limits of its own, it is given those.
    """
    _send_all(session, [body_settings_sql(session, limits)])


def reset_parsing_settings(session: Session) -> None:
    """Have the server read what follows in this transaction as we write it, whatever was set."""
    _send_all(session, [named_sql(session, "as_written")])


def apply_session_settings(session: Session, limits: Limits, *, path: bool = True) -> None:
    """Give what follows outside a transaction the role's own search path, and these limits."""
    path_sql = _search_path(session, local=False) or "SET search_path TO DEFAULT"
    own = [path_sql, "SET row_security TO DEFAULT"] if path else []
    _send_all(session, [*own, *(f"SET {limit}" for limit in timeout_settings_sql(limits))])


def body_settings_sql(session: Session, limits: Limits | None = None) -> str:
    """Return the SQL of :func:`apply_body_settings`: four statements where there are limits."""
    chosen = _search_path(session, local=True)
    own = [chosen, _OWN_ROWS] if chosen else [named_sql(session, "open_path")]
    if not chosen and session.pooler and "search_path" in session.pooler.settings:
        value = sql.Literal(session.pooler.settings["search_path"]).as_string(None)
        own.append(f"SELECT pg_catalog.set_config('search_path', {value}, true)")
    if limits and limits != session.limits:
        own += [f"SET LOCAL {limit}" for limit in timeout_settings_sql(limits)]
    return ";\n".join(own)


def _search_path(session: Session, *, local: bool) -> str | None:
    """Return the statement that sets the search path of the settings, if they have one."""
    if session.target.search_path is None:
        return None
    value = sql.Literal(session.target.search_path).as_string(None)
    return f"SELECT pg_catalog.set_config('search_path', {value}, {'true' if local else 'false'})"


def finish_body_sql(session: Session) -> str:
    """Return the statements by which :func:`finish_body` takes back what a body set.

    The rows are not waited for longer than a body's locks: all its locks are held meanwhile.
    """
    own = [named_sql(session, "settle"), f"SET LOCAL {timeout_settings_sql(session.limits)[0]}"]
    return ";\n".join([*own, set_role_sql(session.conn.role)] if session.conn.role else own)


def finish_body(session: Session, opened: OpenTransaction) -> BodyEffect:
    """Take back what a body set, for the rest of the transaction: role, path, encoding.

    Returns whether the session is still in that transaction, and could commit it.
    """
    if session.conn.info.transaction_status != pq.TransactionStatus.INTRANS:
        return BodyEffect.ENDED_TRANSACTION
    _send_all(session, [finish_body_sql(session)])
    name = "in_transaction" if opened.id.isdecimal() else "in_virtual_transaction"
    if session.run("session", name, id=opened.id).fetchone() != (True,):
        return BodyEffect.ENDED_TRANSACTION
    return BodyEffect.WROTE_LEDGER if _ledger_changed(session, opened) else BodyEffect.NONE


def roll_back(session: Session, after: BaseException | None = None) -> None:
    """End a transaction that failed, where there is one; ``after`` is what made it fail."""
    session.conn.end_statement()  # an exception may have come before anybody waited for it
    if session.conn.info.transaction_status in {_IN_ERROR, _IN_TRANSACTION}:
        _rollback(session, after)


def flush_wal(session: Session) -> None:
    """Make the server bring to the disk what this session has committed, if it has not yet.

    It is done also where the run was asked to stop, whose cancelling may come in between.
    Raises psycopg's error where it cannot be done.
    """
    wait = f"BEGIN; SET LOCAL synchronous_commit = {session.durable_commit}"
    message = f"{wait};\n{named_sql(session, 'flush')}".encode()
    error = None
    for _ in range(_TRIES):
        error = error_of(send(session.conn, message, tick=session.watching()))
        if error is None:
            return
        roll_back(session)
    if error is not None:
        raise error


def fire_deferred(session: Session) -> None:
    """Run now what the transaction has deferred to its end."""
    _send_all(session, ["SET CONSTRAINTS ALL IMMEDIATE"])


def restore_deferrable(session: Session) -> None:
    """Set every constraint as a transaction begins with it.

    One whose name others of its schema share, that are set otherwise, stays deferred: it is
    tried at a body's end.
    """
    names = session.run("session", "begin_immediate").fetchall()
    session.conn.execute("SET CONSTRAINTS ALL DEFERRED")
    if names:
        listed = sql.SQL(", ").join(sql.Identifier(*name) for name in names)
        session.conn.execute(sql.SQL("SET CONSTRAINTS {} IMMEDIATE").format(listed))
