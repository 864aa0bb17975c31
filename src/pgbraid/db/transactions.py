"""What happens inside a migration's transaction: begin it fenced, keep it ours, end it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq, sql

from pgbraid.db.session import own_text, send_own, translating
from pgbraid.db.wire import failed, send
from pgbraid.errors import LockLost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.db.session import Session

__all__ = [
    "defer_again",
    "fire_deferred",
    "flush",
    "open_path",
    "roll_back",
    "savepoint",
    "settle",
    "transaction",
]

_TRIES = 5
_IN_ERROR, _IN_TRANSACTION = pq.TransactionStatus.INERROR, pq.TransactionStatus.INTRANS


@contextmanager
def transaction(session: Session, *, keep: bool = True, commit: str | None = None) -> Iterator[str]:
    """Run a block in one fenced transaction and commit it; yield the transaction's id.

    Any exception rolls back, and so does the end of the block unless it is to ``keep``. Where
    no synchronous_commit is given to ``commit`` with, the disk is waited for. Raises
    LockLost where another session holds the fence, ServerError where the server refuses the
    block's statements or the COMMIT, and ConnectionFailed where the connection is lost.
    """
    conn = session.conn
    with translating(session):
        try:
            yield _begin(session)
            ending = f"SET LOCAL synchronous_commit = {commit or session.durable}; COMMIT"
            conn.execute(ending.encode() if keep else b"ROLLBACK")
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
    send_own(session, "settle")
    return session.run("session", "in_transaction", id=transaction_id).fetchone() == (True,)


def roll_back(session: Session) -> None:
    """End a transaction that failed, where there is one."""
    if session.conn.info.transaction_status in {_IN_ERROR, _IN_TRANSACTION}:
        session.conn.execute("ROLLBACK")


def flush(session: Session) -> None:
    """Make the server bring to the disk what this session has committed, if it has not yet.

    It is done also where the run was asked to stop, whose cancelling may come in between.
    Raises psycopg's error where it cannot be done.
    """
    wait = f"SET synchronous_commit = {session.durable}"
    message = f"{wait};\n{own_text(session, 'flush')}".encode()
    error = None
    for _ in range(_TRIES):
        error = failed(send(session.conn, message))
        if error is None:
            return
    if error is not None:
        raise error


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
