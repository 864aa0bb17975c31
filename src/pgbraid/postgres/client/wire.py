"""Sends bytes as one simple-query message, without a codec of Python's between."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors, generators, pq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGresult
    from psycopg.waiting import Wait

    from pgbraid.postgres.client.connection import Connection

__all__ = [
    "Question",
    "ended_transaction",
    "error_of",
    "error_position",
    "reject_unexpected_copy",
    "send",
]

_ENDINGS = frozenset({b"COMMIT", b"BEGIN", b"START TRANSACTION", b"PREPARE TRANSACTION"})
"""The tags of commands that commit, or begin a transaction."""
_COPYING = frozenset({pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})


def send(
    conn: Connection,
    message: bytes,
    while_waiting: Callable[[], object] | None = None,
    results: list[PGresult] | None = None,
    tick: Callable[[], object] | None = None,
) -> list[PGresult]:
    """Send a message and return the result of each of its statements, a failed one last.

    ``while_waiting`` is called once while the server works, ``tick`` at least ten times a second;
    where one raises, the statement is made to end and the server's answer waited for; the exception
    goes before whatever that raises. The results are put into the list given, as they come.
    """
    results = [] if results is None else results
    broken: BaseException | None = None
    try:
        conn.pgconn.send_query(message)
        conn.pgconn.flush()  # what the network takes not at once goes out with the waiting
        if while_waiting:
            while_waiting()
    except BaseException as error:  # noqa: BLE001 - raised again once the server has answered
        broken = error
    with conn.lock:
        gathering = _gather(conn.pgconn, results)
        if broken:
            with suppress(psycopg.Error):
                conn.wait(conn.cancelling(gathering))
        elif tick is None:
            conn.wait(gathering)
        else:
            broken = conn.wait(_ticking(conn, gathering, tick))
    if broken:
        raise broken
    return results


def _ticking(
    conn: Connection, waiting: PQGen[None], tick: Callable[[], object]
) -> PQGen[BaseException | None]:
    """Wait as ``waiting`` does, and call ``tick`` whenever it wakes up.

    What woke it is not asked, as older drivers do not say when nothing has come. Returns what
    ``tick`` raised, after which the statement is made to end.
    """
    wanted = next(waiting)
    while True:
        ready = yield wanted
        try:
            tick()
        except BaseException as error:  # noqa: BLE001 - raised once the server has answered
            with suppress(psycopg.Error):
                yield from conn.cancelling(waiting, ready)
            return error
        try:
            wanted = waiting.send(ready)
        except StopIteration:
            return None


def _gather(pgconn: pq.abc.PGconn, results: list[PGresult]) -> PQGen[None]:
    """Take the results one by one, so that whoever hears a notice can tell whose it is."""
    yield from generators.send(pgconn)
    while True:
        try:
            result = yield from generators.fetch(pgconn)
        except psycopg.DatabaseError:
            if error_of(results):  # the server said why, before it went away
                return
            raise
        if result is None:
            return
        results.append(result)
        if result.status in _COPYING:
            return


class Question:
    """A message that was sent, and whose answer is waited for as long as one likes.

    ``results`` holds what has come of it. As long as the answer is not complete, nothing else can
    be sent.
    """

    def __init__(self, conn: Connection, message: bytes) -> None:
        self.results: list[PGresult] = []
        self._conn = conn
        self._answered = False
        conn.pgconn.send_query(message)
        self._gathering = _gather(conn.pgconn, self.results)
        self._wanted: Wait | None = None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the answer, that long or for ever, and return whether it is complete.

        Raises psycopg's error where the connection is lost.
        """
        if not self._answered:
            self._answered = self._conn.wait(self._within(seconds))
        return self._answered

    def _within(self, seconds: float | None) -> PQGen[bool]:
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            if self._wanted is None:
                self._wanted = next(self._gathering)
            while True:
                self._wanted = self._gathering.send((yield self._wanted))
                if deadline is not None and time.monotonic() >= deadline:
                    return False
        except StopIteration:
            return True


def error_of(results: list[PGresult]) -> psycopg.Error | None:
    """Return the error that ended a message, or None."""
    if not results:
        return None
    last = results[-1]
    if last.status == pq.ExecStatus.FATAL_ERROR:
        return errors.error_from_result(last)
    return None


def reject_unexpected_copy(conn: Connection, results: list[PGresult]) -> None:
    """End a connection whose server waits for, or sends, data that nobody here knows of."""
    if results and results[-1].status in _COPYING:
        conn.close()
        raise psycopg.OperationalError("a COPY of the client was not foreseen")


def ended_transaction(results: Sequence[PGresult]) -> bool:
    """Whether a statement of these committed, or began a transaction, by its own tag."""
    return any((result.command_status or b"") in _ENDINGS for result in results)


def error_position(error: psycopg.Error, message: str, encoding: str) -> int | None:
    """Return where in a message an error is, in characters from 0, if the server said so.

    One whose encoding is SQL_ASCII counts bytes.
    """
    if not error.diag.statement_position:
        return None
    position = int(error.diag.statement_position) - 1
    if encoding == "SQL_ASCII":
        return len(message.encode()[:position].decode(errors="ignore"))
    return position
