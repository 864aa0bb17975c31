"""A connection whose running statement a stop can end, and messages sent over it as bytes.

At a stop, the statement is cancelled first. If its text catches the cancellation, a second
connection terminates the session. Both take at most a second. A message is sent by the simple query
protocol, without any encoding by Python.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import ClientCursor, errors, generators, pq, waiting

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGresult
    from psycopg.waiting import Ready, Wait

__all__ = [
    "Connection",
    "Question",
    "ended_transaction",
    "error_of",
    "error_position",
    "open_connection",
    "reject_unexpected_copy",
    "send",
    "sibling_parameters",
]

_T = TypeVar("_T")
_DETECTS_CLIENT_LOSS_SINCE = 140_000
"""The first version that notices a lost client during a long statement."""
_WAKEUP_INTERVAL = 0.1
_TERMINATE_AFTER, _GIVE_UP_AFTER = 0.5, 1.0
"""Seconds after the cancel request."""
_CANCEL_TIMEOUT = _SIGNAL_TIMEOUT = 0.5
# A pid alone may be another backend: of another server behind the same name, or a reused number.
_SIGNAL_BACKEND = (
    "SELECT pg_catalog.pg_{}_backend(pid) FROM pg_catalog.pg_stat_activity"
    " WHERE pid OPERATOR(pg_catalog.=) {} AND"
    " EXTRACT(epoch FROM backend_start)::pg_catalog.float8 OPERATOR(pg_catalog.=) {!r}"
)
_COPYING = frozenset({pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})
_ENDINGS = frozenset({b"COMMIT", b"BEGIN", b"START TRANSACTION", b"PREPARE TRANSACTION"})
"""Command tags of statements that commit or begin a transaction."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose running statement the event ``stop`` can cancel.

    ``stop`` is the event of the run's StopToken; it acts once. ``parameters``, those that the
    connection was opened with, serve to open the second connection that ends its session.
    ``backend_start`` is the time at which that session began, in seconds of the server's epoch.
    Both are None if a pooler lends the session, because its pid may then belong to another client.
    ``process`` is the backend's pid if it differs from the one in the protocol, behind a proxy or
    session pooler. ``role`` is the role set with SET ROLE. ``opened_with`` are the parameters if
    they differ from the target's.
    """

    stop: threading.Event | None = None
    parameters: Mapping[str, Any] | None = None
    backend_start: float | None = None
    process: int | None = None
    serving_pid: int = 0
    """The pid of the backend that runs the statements now; behind a pooler it changes."""
    role: str | None = None
    opened_with: Mapping[str, Any] | None = None
    wakeup_interval: float = _WAKEUP_INTERVAL
    """Seconds between two wake-ups while the connection waits for the server."""
    on_wakeup: Callable[[], object] | None = None
    """Called at each wake-up while a statement of ours runs."""
    pending_exception: BaseException | None = None
    """An exception of a notice handler: the driver would swallow it, so it is raised later."""

    def wait(
        self, gen: PQGen[_T], interval: float = _WAKEUP_INTERVAL, timeout: float | None = None
    ) -> _T:
        """Wait for the server; after a stop or an exception, for a second at most.

        A signal handler can raise any exception here. The running statement is then ended, or the
        connection closed if the server does not end it.
        """
        try:
            soon = min(interval, self.wakeup_interval)
            if timeout is None:  # older drivers lack the parameter
                return waiting.wait(self._waiting(gen), self.pgconn.socket, soon)
            return waiting.wait(self._waiting(gen), self.pgconn.socket, soon, timeout)
        except psycopg.Error:
            raise
        except BaseException:
            # Time limits of Celery, Dramatiq or a test runner cannot be listed. A statement left
            # alone would be committed after the failure was reported to the caller.
            self.stop = None
            self.end_statement()
            raise

    def cancelling(self, gen: PQGen[_T], ready: Ready | int | None = None) -> PQGen[_T]:
        """Wait as ``gen`` does, while the statement is cancelled and then its session terminated.

        ``ready`` is the value to send to a ``gen`` that has begun. Raises OperationalError, with
        the connection closed, if the statement does not end.
        """
        return self._waiting(gen, ready, _Cancellation(self))

    def _waiting(
        self,
        gen: PQGen[_T],
        ready: Ready | int | None = None,
        ending: _Cancellation | None = None,
    ) -> PQGen[_T]:
        """Wait as ``gen`` does, and end the statement once a stop is requested."""
        while True:
            if ready is not None and self.stop is not None and self.stop.is_set():
                self.stop = None  # once: the rollback that follows must not be cancelled
                ending = ending or _Cancellation(self)
            try:
                wait_for = next(gen) if ready is None else gen.send(ready)
            except StopIteration as end:
                self._raise_pending_exception(ending)
                result: _T = end.value
                return result
            self._raise_pending_exception(ending)
            ready = yield wait_for
            if ending is not None:
                ending.advance()
            elif self.on_wakeup is not None:
                self.on_wakeup()

    def _raise_pending_exception(self, ending: _Cancellation | None) -> None:
        """Raise a notice handler's exception, unless the statement is ended for another one."""
        error, self.pending_exception = self.pending_exception, None
        if error is not None and ending is None:
            raise error

    def end_statement(self) -> None:
        """End the running statement; a second signal meanwhile leaves a closed connection."""
        try:
            if self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
                drained = self.cancelling(_drained(self.pgconn))
                waiting.wait(drained, self.pgconn.socket, _WAKEUP_INTERVAL)
        except psycopg.Error:
            pass
        except BaseException:
            if self.info.server_version < _DETECTS_CLIENT_LOSS_SINCE:
                # The server would run the statement to its end and not notice the lost client.
                _signal_backend(self, "terminate")
            self.pgconn.finish()
            raise


class _Cancellation:
    """Ends a statement in three steps: cancel it, terminate its session, close the connection."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._started_at = time.monotonic()
        self._terminated = False
        with suppress(psycopg.Error):
            conn.cancel_safe(timeout=_CANCEL_TIMEOUT)
        if conn.process and not conn.info.backend_pid:
            _signal_backend(conn, "cancel")  # a proxy may not pass on the cancel key

    def advance(self) -> None:
        """Take the next step when it is due. Raises OperationalError after the last one."""
        elapsed = time.monotonic() - self._started_at
        if elapsed > _GIVE_UP_AFTER:
            self._conn.pgconn.finish()
            raise psycopg.OperationalError("the statement did not end")
        if elapsed > _TERMINATE_AFTER and not self._terminated:
            self._terminated = True
            _signal_backend(self._conn, "terminate")


def _signal_backend(conn: Connection, action: str) -> None:
    """Cancel a connection's statement, or terminate its session, over a second connection."""
    if conn.parameters is None or conn.backend_start is None:
        return
    query = _SIGNAL_BACKEND.format(
        action, conn.process or conn.info.backend_pid, conn.backend_start
    )
    with (
        suppress(psycopg.Error),
        closing(psycopg.connect(**sibling_parameters(conn), autocommit=True)) as second,
    ):
        second.pgconn.send_query(query.encode())
        # A pooler may have no second session for this, so the wait for the result is short.
        executing = generators.execute(second.pgconn)
        second.wait(_at_most(executing, _SIGNAL_TIMEOUT), _WAKEUP_INTERVAL)


def _at_most(waiting: PQGen[Any], seconds: float) -> PQGen[None]:
    """Wait as ``waiting`` does, but no longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    with suppress(StopIteration):
        wait_for = next(waiting)
        while time.monotonic() < deadline:
            wait_for = waiting.send((yield wait_for))


def _drained(pgconn: pq.abc.PGconn) -> PQGen[None]:
    """Read and drop results until the running message has ended."""
    yield from generators.send(pgconn)
    while (result := (yield from generators.fetch(pgconn))) is not None:
        if result.status in _COPYING:
            pgconn.finish()  # the server waits for COPY data that does not come
            return


def sibling_parameters(conn: Connection, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return parameters for another connection to the same server, also of several hosts.

    They are based on ``given``, or on the parameters that this connection was opened with.
    """
    info = conn.info
    parameters = {**(given or conn.parameters or {}), "host": info.host, "port": info.port}
    parameters["connect_timeout"] = "3"
    parameters.pop("hostaddr", None)  # it may list the addresses of several hosts
    if info.hostaddr:
        parameters["hostaddr"] = info.hostaddr
    return parameters


def open_connection(parameters: Mapping[str, Any]) -> Connection:
    """Open a connection in autocommit mode. Raises psycopg's error if that fails.

    Its cursors merge parameters on the client: the simple protocol leaves no portal open, and so no
    snapshot that a CREATE INDEX CONCURRENTLY would wait for.
    """
    return Connection.connect(
        **parameters, autocommit=True, prepare_threshold=None, cursor_factory=ClientCursor
    )


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
