"""Sends bytes as one simple-query message, without any encoding by Python."""

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
"""Command tags of statements that commit or begin a transaction."""
_COPYING = frozenset({pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})


def send(
    conn: Connection,
    message: bytes,
    while_waiting: Callable[[], object] | None = None,
    results: list[PGresult] | None = None,
    tick: Callable[[], object] | None = None,
) -> list[PGresult]:
    """Send a message and return the results of its statements, ending with a failed one.

    ``while_waiting`` is called once while the server works, ``tick`` at least ten times a second.
    If one of them raises, the statement is cancelled, and the exception is raised once the server
    has finished; it takes precedence over the server's error. Results are appended to ``results``
    as they arrive.
    """
    results = [] if results is None else results
    exception: BaseException | None = None
    try:
        conn.pgconn.send_query(message)
        conn.pgconn.flush()  # a partial write is finished by the wait loop below
        if while_waiting:
            while_waiting()
    except BaseException as error:  # noqa: BLE001 - raised again once the server has finished
        exception = error
    with conn.lock:
        gathering = _gather(conn.pgconn, results)
        if exception:
            with suppress(psycopg.Error):
                conn.wait(conn.cancelling(gathering))
        elif tick is None:
            conn.wait(gathering)
        else:
            exception = conn.wait(_ticking(conn, gathering, tick))
    if exception:
        raise exception
    return results


def _ticking(
    conn: Connection, waiting: PQGen[None], tick: Callable[[], object]
) -> PQGen[BaseException | None]:
    """Wait as ``waiting`` does, and call ``tick`` at each wake-up.

    If ``tick`` raises, cancels the statement and returns the exception.
    """
    wait_for = next(waiting)
    while True:
        # `tick` runs whether data came or not: older drivers do not report an empty wake-up.
        ready = yield wait_for
        try:
            tick()
        except BaseException as error:  # noqa: BLE001 - raised once the server has finished
            with suppress(psycopg.Error):
                yield from conn.cancelling(waiting, ready)
            return error
        try:
            wait_for = waiting.send(ready)
        except StopIteration:
            return None


def _gather(pgconn: pq.abc.PGconn, results: list[PGresult]) -> PQGen[None]:
    # One result at a time, so that a notice handler sees which statement is running.
    yield from generators.send(pgconn)
    while True:
        try:
            result = yield from generators.fetch(pgconn)
        except psycopg.DatabaseError:
            if error_of(results):  # the server sent the reason before it closed the connection
                return
            raise
        if result is None:
            return
        results.append(result)
        if result.status in _COPYING:
            return


class Question:
    """A message that was sent; the caller decides how long to wait for its results.

    ``results`` holds the results so far. Until all have arrived, nothing else can be sent.
    """

    def __init__(self, conn: Connection, message: bytes) -> None:
        self.results: list[PGresult] = []
        self._conn = conn
        self._answered = False
        conn.pgconn.send_query(message)
        self._gathering = _gather(conn.pgconn, self.results)
        self._wait_for: Wait | None = None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait up to ``seconds``, or without limit, and return whether all results have arrived.

        Raises psycopg's error if the connection is lost.
        """
        if not self._answered:
            self._answered = self._conn.wait(self._within(seconds))
        return self._answered

    def _within(self, seconds: float | None) -> PQGen[bool]:
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            if self._wait_for is None:
                self._wait_for = next(self._gathering)
            while True:
                self._wait_for = self._gathering.send((yield self._wait_for))
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
    """Close the connection and raise OperationalError if a statement started an unknown COPY."""
    if results and results[-1].status in _COPYING:
        conn.close()
        raise psycopg.OperationalError("the migration started an unexpected COPY")


def ended_transaction(results: Sequence[PGresult]) -> bool:
    """Whether one of these statements committed or began a transaction, by its command tag."""
    return any((result.command_status or b"") in _ENDINGS for result in results)


def error_position(error: psycopg.Error, message: str, encoding: str) -> int | None:
    """Return the server's error position in a message, in characters from 0, or None."""
    if not error.diag.statement_position:
        return None
    position = int(error.diag.statement_position) - 1
    if encoding == "SQL_ASCII":  # such a server counts bytes
        return len(message.encode()[:position].decode(errors="ignore"))
    return position
