"""Begins, checks and ends the transaction of a migration that runs statement by statement.

Each transaction takes the xact lock of the ledger and then checks the applied set again. This, not
the session lock, makes a migration run exactly once, also where its body released the session lock.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq, sql

from pgbraid.model.errors import LockLost, PgbraidError
from pgbraid.postgres.client.connection import error_of, send
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import (
    named_sql,
    send_named,
    set_role_sql,
    timeout_settings_sql,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.pq.abc import PGresult

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
_ROLE_ROW_SECURITY = "SET LOCAL row_security TO DEFAULT"
_DEFAULT_ISOLATION = "READ COMMITTED"
"""The isolation level in our BEGIN, regardless of the role's default."""
_IDENTITY = ("session_authorization", "role")
_CHECKS_CLIENT_SINCE = 140000
"""The first version that has client_connection_check_interval."""
_IN_ERROR, _IN_TRANSACTION = pq.TransactionStatus.INERROR, pq.TransactionStatus.INTRANS


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """An open transaction: its id, and the filenode of the ledger table when it began.

    ``id`` is the virtual transaction id if the transaction began without an xid. ``counted`` holds
    the table's statistics after pgbraid itself wrote to the ledger in this transaction.
    """

    id: str
    filenode: str | None
    counted: str | None = None


class BodyEffect(StrEnum):
    """The state in which a body left its transaction."""

    NONE = "none"
    """The transaction is intact."""
    ENDED_TRANSACTION = "ended transaction"
    """No transaction is open, or a different one."""
    WROTE_LEDGER = "wrote ledger"
    """The body wrote to the ledger."""


@contextmanager
def transaction(
    session: Session,
    *,
    commit_at_end: bool = True,
    commit: str | None = None,
    isolation: str | None = None,
    without_xid: bool = False,
) -> Iterator[OpenTransaction]:
    """Run a block in a transaction that holds the xact lock, and commit it; yield the transaction.

    An exception rolls back; so does the end of the block if ``commit_at_end`` is false. ``commit``
    is the transaction's synchronous_commit; by default the commit waits for the disk. With
    ``without_xid`` the transaction is assigned an xid only when the block writes something. Raises
    LockLost if another session holds the xact lock, ServerError if the server rejects a statement
    of the block or the COMMIT, and ConnectionFailed if the connection is lost.
    """
    conn = session.conn
    with translate_errors(session):
        try:
            # The server creates no logical replication slot in a transaction that has an xid.
            yield _begin(session, isolation, "begin_without_xid" if without_xid else "begin")
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
    """Run a block in a savepoint; an exception rolls back to it.

    Raises ServerError if the server rejects a statement of the block. If no transaction is open any
    more, the block's exception is raised unchanged.
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
    session.check_stop()
    text = session.text("session", statement, key=session.key)
    if isolation:
        text = text.replace(_DEFAULT_ISOLATION, isolation, 1)
    locked, transaction_id, pid, filenode = _row(_send_all(session, [text])[-1])
    if locked != "t":
        raise LockLost
    session.conn.serving_pid = int(pid)  # a pooler may give each transaction another backend
    if session.pooler:
        # SET LOCAL only: a plain SET would reach the pooler's other clients. The settings before
        # ours are read first, so that `_restore_pooled_session` can restore them.
        session.pooler.settings = dict(session.run("session", "settings_by_client").fetchall())
        send_named(session, "pin_local")
        if session.conn.info.server_version >= _CHECKS_CLIENT_SINCE:
            send_named(session, "pin_local_14")
        _send_all(session, [f"SET LOCAL {limit}" for limit in timeout_settings_sql(session.limits)])
    return OpenTransaction(transaction_id, filenode)


def refresh_ledger_stamp(session: Session, opened: OpenTransaction) -> OpenTransaction:
    """Return the transaction with the ledger's present state, after pgbraid wrote to the ledger.

    A dry run applies several migrations in one transaction and records each of them there.
    """
    return replace(opened, counted=_counted(session))


def _counted(session: Session) -> str:
    row = session.run("session", "counted").fetchone()
    return str(row[0]) if row else ""


def _commit(session: Session, commit: str) -> None:
    if session.pooler:
        _restore_pooled_session(session)
    _send_all(session, [f"SET LOCAL synchronous_commit = {commit}", "COMMIT"], committing=True)


def _restore_pooled_session(session: Session) -> None:
    """Remove a body's session effects before the pooler gives the session to its next client.

    Only changed settings are set, because the role may lack the right to set the others.
    """
    send_named(session, "reset_pooled")
    send_named(session, "release_pooled")
    before = session.pooler.settings if session.pooler else {}
    after = dict(session.run("session", "settings_by_client").fetchall())
    # pg_settings does not list custom settings, so these are read by name.
    custom_settings = [name for name in before if "." in name]
    if custom_settings:
        after |= dict(session.run("session", "current_settings", names=custom_settings).fetchall())
    for name in (after.keys() - before.keys()) | {n for n in before if before[n] != after.get(n)}:
        if name not in _IDENTITY:
            session.run("session", "restore_setting", name=name, value=before.get(name))
    # In this order, as setting session_authorization resets the role.
    for name in _IDENTITY:
        if before.get(name) != after.get(name):
            session.run("session", "restore_setting", name=name, value=before.get(name))


def _rollback(session: Session, after: BaseException | None = None) -> None:
    """Roll back after the exception ``after``, ignoring a pending stop.

    A foreign exception, such as a time limit raised by a signal handler, takes precedence over the
    error of a lost connection.
    """
    ours = after is None or isinstance(after, (psycopg.Error, PgbraidError))
    with nullcontext() if ours else suppress(psycopg.Error):
        _send_rollback(session)


def _send_rollback(session: Session) -> None:
    session.conn.end_statement()  # an exception may have interrupted the wait for its result
    stop, session.conn.stop = session.conn.stop, None
    try:
        if not session.pooler:
            session.conn.execute("ROLLBACK")
            return
        # ROLLBACK keeps session locks and prepared statements. They are removed in the same
        # message, because the pooler may send the next message to another backend.
        message = f"ROLLBACK; {named_sql(session, 'release_pooled')}".encode()
        for _ in range(_TRIES):  # a cancel request sent earlier may still hit this message
            if error_of(send(session.conn, message)) is None:
                return
    finally:
        session.conn.stop = stop


def _send_all(
    session: Session, statements: list[str], *, committing: bool = False
) -> list[PGresult]:
    message = "; ".join(statements).encode()
    tick = session.watching(committing=committing)
    results = session.send(message, tick=tick)
    error = error_of(results)
    if error is not None:
        raise error
    return results


def _row(result: PGresult) -> tuple[Any, ...]:
    """Return the values of a result's first row as texts; None is NULL."""
    values = (result.get_value(0, column) for column in range(result.nfields))
    return tuple(None if value is None else value.decode() for value in values)


def apply_body_settings(session: Session, limits: Limits | None = None) -> None:
    """Set the role's search_path, row_security and the body's limits for this transaction."""
    _send_all(session, [body_settings_sql(session, limits)])


def reset_parsing_settings(session: Session) -> None:
    """Set client_encoding and standard_conforming_strings to our values for this transaction."""
    _send_all(session, [named_sql(session, "parsing_settings")])


def apply_session_settings(session: Session, limits: Limits, *, path: bool = True) -> None:
    """Set limits and, with ``path``, the role's search_path and row_security for the session.

    For statements that run outside a transaction block.
    """
    path_sql = _search_path(session, local=False) or "SET search_path TO DEFAULT"
    statements = [path_sql, "SET row_security TO DEFAULT"] if path else []
    _send_all(session, [*statements, *(f"SET {limit}" for limit in timeout_settings_sql(limits))])


def body_settings_sql(session: Session, limits: Limits | None = None) -> str:
    """Return the SQL of :func:`apply_body_settings`: two statements, or four with other limits."""
    path_sql = _search_path(session, local=True)
    statements = (
        [path_sql, _ROLE_ROW_SECURITY] if path_sql else [named_sql(session, "body_settings")]
    )
    if not path_sql and session.pooler and "search_path" in session.pooler.settings:
        # Behind a pooler, DEFAULT would be the server's value and not the one the pooler set.
        value = sql.Literal(session.pooler.settings["search_path"]).as_string(None)
        statements.append(f"SELECT pg_catalog.set_config('search_path', {value}, true)")
    if limits and limits != session.limits:
        statements += [f"SET LOCAL {limit}" for limit in timeout_settings_sql(limits)]
    return ";\n".join(statements)


def _search_path(session: Session, *, local: bool) -> str | None:
    """Return the statement that sets the search_path of pgbraid's settings, or None."""
    if session.target.search_path is None:
        return None
    value = sql.Literal(session.target.search_path).as_string(None)
    return f"SELECT pg_catalog.set_config('search_path', {value}, {'true' if local else 'false'})"


def finish_body_sql(session: Session) -> str:
    """Return the statements by which :func:`finish_body` undoes the settings of a body."""
    # lock_timeout also holds for the ledger's INSERT, which runs while all locks of the body are
    # held.
    statements = [
        named_sql(session, "finish_body"),
        f"SET LOCAL {timeout_settings_sql(session.limits)[0]}",
    ]
    if session.conn.role:
        statements.append(set_role_sql(session.conn.role))
    return ";\n".join(statements)


def finish_body(session: Session, opened: OpenTransaction) -> BodyEffect:
    """Undo role, search_path, encoding and time-outs of a body for the rest of the transaction.

    Returns whether the transaction is still the one that was begun, and whether the body wrote to
    the ledger. This is the second defence: the first is the check of the text before it runs.
    """
    if session.conn.info.transaction_status != pq.TransactionStatus.INTRANS:
        return BodyEffect.ENDED_TRANSACTION
    # The id distinguishes the transaction from the one that COMMIT AND CHAIN begins.
    name = "in_transaction" if opened.id.isdecimal() else "in_virtual_transaction"
    if opened.counted is None:
        # The file changes if the table was truncated, or dropped and created again.
        expected = {"filenode": opened.filenode, "written": "f"}
    else:
        expected = {"counted": opened.counted}  # the locks are held by our own writes
    # Messages of their own: the first is still read in the encoding that the body has set.
    _send_all(session, [finish_body_sql(session)])
    questions = [session.text("session", name, id=opened.id)]
    questions += [named_sql(session, question) for question in expected]
    (same,), *found = (_row(result) for result in _send_all(session, questions))
    if same != "t":
        return BodyEffect.ENDED_TRANSACTION
    same_ledger = found == [(value,) for value in expected.values()]
    return BodyEffect.NONE if same_ledger else BodyEffect.WROTE_LEDGER


def roll_back(session: Session, after: BaseException | None = None) -> None:
    """Roll back the open transaction, if there is one, after the exception ``after``."""
    session.conn.end_statement()  # an exception may have interrupted the wait for its result
    if session.conn.info.transaction_status in {_IN_ERROR, _IN_TRANSACTION}:
        _rollback(session, after)


def flush_wal(session: Session) -> None:
    """Wait until all earlier commits of this session are on disk.

    Also runs while a stop is pending, and retries if the cancel request of that stop hits it.
    Raises psycopg's error if the flush fails.
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
    """Fire the deferred constraints and triggers of the transaction."""
    _send_all(session, ["SET CONSTRAINTS ALL IMMEDIATE"])


def restore_deferrable(session: Session) -> None:
    """Set every constraint to the mode that it has at the start of a transaction.

    A constraint stays deferred if others of its schema share its name and start in another mode: it
    is then checked at the end of a body.
    """
    names = session.run("session", "immediate_constraints").fetchall()
    session.conn.execute("SET CONSTRAINTS ALL DEFERRED")
    if names:
        listed = sql.SQL(", ").join(sql.Identifier(*name) for name in names)
        session.conn.execute(sql.SQL("SET CONSTRAINTS {} IMMEDIATE").format(listed))
