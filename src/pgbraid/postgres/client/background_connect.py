"""Opens the first connection: waits for a server that is not up yet, or connects in a thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from pgbraid.postgres.client.connection import open_connection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.postgres.client.connection import Connection

__all__ = ["Arrival", "BackgroundConnect", "ping_server"]


class Arrival:
    """A server that may not be up yet, and for which pgbraid waits up to ``wait`` seconds."""

    pause = 0.3
    """Seconds between two attempts."""

    def __init__(self, parameters: Mapping[str, Any], wait: float) -> None:
        self._parameters = parameters
        self._until = time.monotonic() + wait if wait else None
        self._answered = False
        self.tries = 0

    def may_come(self) -> bool:
        """Return whether to try again after a connection that failed.

        PQping reports, independent of the language, whether the server is absent or does not accept
        connections yet. A server that accepts connections has refused this one, unless it came up
        in between: so it gets one more attempt.
        """
        if self._until is None or time.monotonic() >= self._until:
            return False
        self.tries += 1
        status = ping_server(self._parameters)
        if status == pq.Ping.NO_ATTEMPT or (status == pq.Ping.OK and self._answered):
            return False
        self._answered = status == pq.Ping.OK
        return True


def ping_server(parameters: Mapping[str, Any]) -> pq.Ping:
    """Return whether a server accepts connections; whether it would accept ours stays open."""
    conninfo = make_conninfo(**{**parameters, "connect_timeout": "3"})
    return pq.Ping(pq.PGconn.ping(conninfo.encode()))


class BackgroundConnect:
    """A connection that is being opened in a thread; take it once, or close it."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._lock = threading.Lock()
        self._closed = False
        self._result: Connection | BaseException | None = None
        self._thread = threading.Thread(target=self._open, name="pgbraid-connect", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        result: Connection | BaseException
        try:
            result = open_connection(self._parameters)
        except BaseException as error:  # noqa: BLE001 - raised again by `take`
            result = error
        with self._lock:
            self._result = result
            if self._closed:
                self._drop()

    def arrived(self, seconds: float) -> bool:
        """Wait for the end of the attempt for some seconds; return whether it ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def take(self) -> Connection:
        """Wait for the connection and return it; raise the error of opening it.

        A second call opens a new connection.
        """
        self._thread.join()
        with self._lock:
            result, self._result = self._result, None
        if result is None:
            return open_connection(self._parameters)
        if isinstance(result, BaseException):
            raise result
        return result

    def close(self) -> None:
        """Close the connection unless it was taken; the thread closes one that it still opens."""
        with self._lock:
            self._closed = True
            self._drop()

    def _drop(self) -> None:
        if isinstance(self._result, psycopg.Connection):
            self._result.close()
        self._result = None
