"""Opens connections whose statements end soon where a run is stopped, in a thread if need be.

A statement that is in progress is cancelled; one that does not heed that, as its text catches the
cancelling, loses its session, which is ours. That takes a second at most.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import ClientCursor, generators, pq, waiting
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg.abc import PQGen
    from psycopg.waiting import Ready

    from pgbraid.model.options import StopToken

__all__ = ["Arrival", "BackgroundConnect", "Connection", "open_connection", "sibling_parameters"]

_T = TypeVar("_T")
_NOTICES = 140_000
"""The server's version from which on it notices in a long statement that its client is gone."""
_WAKEUP_INTERVAL = 0.1
_HEEDS_WITHIN, _ENDS_WITHIN = 0.5, 1.0
"""Seconds from the asking until the session is ended, and until nobody waits any more."""
_CANCEL_TIMEOUT = _ANSWERS_WITHIN = 0.5
_ENDS = (
    "SELECT pg_catalog.pg_{}_backend(pid) FROM pg_catalog.pg_stat_activity"
    " WHERE pid OPERATOR(pg_catalog.=) {} AND"
    " EXTRACT(epoch FROM backend_start)::pg_catalog.float8 OPERATOR(pg_catalog.=) {!r}"
)
"""By its beginning, too: another server behind the same name has other processes."""
_COPYING = frozenset({pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that a stop reaches in the middle of a statement.

    ``stop`` is what asks for it, once. ``parameters`` are those it was opened with, for the second
    connection that ends its session, and ``backend_start`` when that began, in seconds, by the
    server; they are None where a pooler lends the session, as the process that is known may be
    anybody's then. ``process`` is the server's process, where it is not the one that the protocol
    names, as a proxy or a pooler stands between that gives us a session of our own. ``role`` is the
    role that the session is by SET ROLE, ``opened_with`` the parameters, where they are not those
    of its target.
    """

    stop: StopToken | None = None
    parameters: Mapping[str, Any] | None = None
    backend_start: float | None = None
    process: int | None = None
    serving_pid: int = 0
    """The server process that runs the statements now; behind a pooler it changes."""
    role: str | None = None
    opened_with: Mapping[str, Any] | None = None
    wakeup_interval: float = _WAKEUP_INTERVAL
    """Seconds after which it wakes up while it waits."""
    on_wakeup: Callable[[], object] | None = None
    """What is called whenever it wakes up while a statement of ours waits."""
    pending_exception: BaseException | None = None
    """What was raised where the driver called back: it would lose it, so it is raised later."""

    def wait(
        self, gen: PQGen[_T], interval: float = _WAKEUP_INTERVAL, timeout: float | None = None
    ) -> _T:
        """Wait for the server; where an exception comes, or a stop, for a second at most.

        A signal's handler can raise any exception here. The statement in progress is ended then,
        and the connection closed where the server does not end it.
        """
        try:
            soon = min(interval, self.wakeup_interval)
            if timeout is None:  # which an older driver does not know
                return waiting.wait(self._waiting(gen), self.pgconn.socket, soon)
            return waiting.wait(self._waiting(gen), self.pgconn.socket, soon, timeout)
        except psycopg.Error:
            raise
        except BaseException:
            self.stop = None
            self.end_statement()
            raise

    def cancelling(self, gen: PQGen[_T], ready: Ready | int | None = None) -> PQGen[_T]:
        """Wait as ``gen`` does, while the statement is asked, then made, to end.

        ``ready`` is what a ``gen`` that has begun waits for. Raises OperationalError, with the
        connection closed, where it does not.
        """
        return self._waiting(gen, ready, _Cancellation(self))

    def _waiting(
        self,
        gen: PQGen[_T],
        ready: Ready | int | None = None,
        ending: _Cancellation | None = None,
    ) -> PQGen[_T]:
        """Wait as ``gen`` does, and end the statement once a stop is asked for."""
        while True:
            if ready is not None and self.stop is not None and self.stop.requested:
                self.stop = None
                ending = ending or _Cancellation(self)
            try:
                wanted = next(gen) if ready is None else gen.send(ready)
            except StopIteration as end:
                self._raise_pending_exception(ending)
                result: _T = end.value
                return result
            self._raise_pending_exception(ending)
            ready = yield wanted
            if ending is not None:
                ending.advance()
            elif self.on_wakeup is not None:
                self.on_wakeup()

    def _raise_pending_exception(self, ending: _Cancellation | None) -> None:
        """Raise what the driver would lose, unless the statement is ended for another exception."""
        error, self.pending_exception = self.pending_exception, None
        if error is not None and ending is None:
            raise error

    def end_statement(self) -> None:
        """End what is in progress; a second signal meanwhile leaves a closed connection."""
        try:
            if self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
                drained = self.cancelling(_drained(self.pgconn))
                waiting.wait(drained, self.pgconn.socket, _WAKEUP_INTERVAL)
        except psycopg.Error:
            pass
        except BaseException:
            if self.info.server_version < _NOTICES:
                # The server would run the statement to its end, and not notice that we are gone.
                _ask_for(self, "terminate")
            self.pgconn.finish()
            raise


class _Cancellation:
    """The ending of a statement: it is cancelled, then its session ended, then given up."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._asked = time.monotonic()
        self._ended = False
        with suppress(psycopg.Error):
            conn.cancel_safe(timeout=_CANCEL_TIMEOUT)
        if conn.process and not conn.info.backend_pid:
            _ask_for(conn, "cancel")  # a proxy has kept the key that cancels to itself

    def advance(self) -> None:
        """Do what it is time for. Raises OperationalError where it is time to give up."""
        passed = time.monotonic() - self._asked
        if passed > _ENDS_WITHIN:
            self._conn.pgconn.finish()
            raise psycopg.OperationalError("the statement did not end")
        if passed > _HEEDS_WITHIN and not self._ended:
            self._ended = True
            _ask_for(self._conn, "terminate")


def _ask_for(conn: Connection, what: str) -> None:
    """Cancel a connection's statement, or terminate its session, by a second connection.

    A pooler may have no second session for it, so its answer is not waited for long.
    """
    if conn.parameters is None or conn.backend_start is None:
        return
    question = _ENDS.format(what, conn.process or conn.info.backend_pid, conn.backend_start)
    with (
        suppress(psycopg.Error),
        closing(psycopg.connect(**sibling_parameters(conn), autocommit=True)) as second,
    ):
        second.pgconn.send_query(question.encode())
        asking = generators.execute(second.pgconn)
        second.wait(_at_most(asking, _ANSWERS_WITHIN), _WAKEUP_INTERVAL)


def _at_most(waiting: PQGen[Any], seconds: float) -> PQGen[None]:
    """Wait as ``waiting`` does, but no longer than that."""
    deadline = time.monotonic() + seconds
    with suppress(StopIteration):
        wanted = next(waiting)
        while time.monotonic() < deadline:
            wanted = waiting.send((yield wanted))


def _drained(pgconn: pq.abc.PGconn) -> PQGen[None]:
    """Wait for the end of whatever is in progress."""
    yield from generators.send(pgconn)
    while (result := (yield from generators.fetch(pgconn))) is not None:
        if result.status in _COPYING:
            pgconn.finish()  # the server waits for us
            return


def sibling_parameters(conn: Connection, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the parameters of another connection to the very server of this one.

    They are made of those ``given``, or of those that it was opened with.
    """
    info = conn.info
    parameters = {**(given or conn.parameters or {}), "host": info.host, "port": info.port}
    parameters["connect_timeout"] = "3"
    parameters.pop("hostaddr", None)
    if info.hostaddr:
        parameters["hostaddr"] = info.hostaddr
    return parameters


def open_connection(parameters: Mapping[str, Any]) -> Connection:
    """Open a connection in autocommit, whose cursors send no parameters of their own.

    Raises psycopg's error where there is none.
    """
    return Connection.connect(
        **parameters, autocommit=True, prepare_threshold=None, cursor_factory=ClientCursor
    )


class Arrival:
    """A server that may not be there yet, and is waited for that many seconds."""

    pause = 0.3
    """Seconds between two tries."""

    def __init__(self, parameters: Mapping[str, Any], wait: float) -> None:
        self._parameters = parameters
        self._until = time.monotonic() + wait if wait else None
        self._answered = False
        self.tries = 0

    def may_come(self) -> bool:
        """Return whether to try again after a connection that failed.

        libpq says whether the server answers, in any language: there is none at that place, or it
        does not take connections yet. One that takes some has refused this one, unless it began to
        meanwhile.
        """
        if self._until is None or time.monotonic() >= self._until:
            return False
        self.tries += 1
        asked = {**self._parameters, "connect_timeout": "3"}
        found = pq.PGconn.ping(make_conninfo(**asked).encode())
        if found == pq.Ping.NO_ATTEMPT or (found == pq.Ping.OK and self._answered):
            return False
        self._answered = found == pq.Ping.OK
        return True


class BackgroundConnect:
    """A connection on its way; it is taken once, or closed."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._lock = threading.Lock()
        self._given_up = False
        self._found: Connection | BaseException | None = None
        self._thread = threading.Thread(target=self._open, name="pgbraid-connect", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        found: Connection | BaseException
        try:
            found = open_connection(self._parameters)
        except BaseException as error:  # noqa: BLE001 - raised again by who takes it
            found = error
        with self._lock:
            self._found = found
            if self._given_up:
                self._drop()

    def take(self) -> Connection:
        """Wait for the connection and return it; raises what opening it raised.

        Taken again, a new one is opened.
        """
        self._thread.join()
        with self._lock:
            found, self._found = self._found, None
        if found is None:
            return open_connection(self._parameters)
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        """Close the connection if nobody took it; one that is not there yet closes itself."""
        with self._lock:
            self._given_up = True
            self._drop()

    def _drop(self) -> None:
        if isinstance(self._found, psycopg.Connection):
            self._found.close()
        self._found = None
