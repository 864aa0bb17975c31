"""Opens a connection in a thread, so that files can be read while the server answers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ClientCursor

if TYPE_CHECKING:
    from collections.abc import Mapping

    Connection = psycopg.Connection[tuple[Any, ...]]

__all__ = ["Opening", "open_connection"]


def open_connection(parameters: Mapping[str, Any]) -> Connection:
    """Open a connection in autocommit, whose cursors send no parameters of their own.

    Raises psycopg's error where there is none.
    """
    return psycopg.connect(
        **parameters, autocommit=True, prepare_threshold=None, cursor_factory=ClientCursor
    )


class Opening:
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
