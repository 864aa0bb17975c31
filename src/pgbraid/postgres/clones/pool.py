"""Keeps clones of a template ready, so that a test does not wait for its database.

Helper threads make clones ahead, connect to each once, because the first connection writes the
relation cache, and drop the used ones behind. At most ``ahead`` clones are ready; a used one is
dropped before another is made if several wait for that.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.clones.clone_server import text

if TYPE_CHECKING:
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.clones.clone_server import CloneServer
    from pgbraid.postgres.clones.shared_objects import SharedObjects
    from pgbraid.postgres.clones.template import Template

__all__ = ["ClonePool", "Used"]

_HELPERS = 2
_MOST_USED = 2
"""The number of used clones from which on they are dropped first."""
_SESSIONS_END = 0.5
"""Seconds in which the sessions that a test has closed end on the server."""


@dataclass(frozen=True, slots=True)
class Used:
    """A clone that a test has used."""

    name: str
    test: str


class ClonePool:
    """The clones of one template, for one process.

    ``leaks`` lists the tests that left connections open, and how many.
    """

    def __init__(
        self, server: CloneServer, template: Template, ahead: int, shared: SharedObjects
    ) -> None:
        self._server, self._template, self._ahead = server, template, max(ahead, 0)
        self._shared = shared
        self._changed = threading.Condition()
        self._ready: deque[str] = deque()
        self._used: deque[Used] = deque()
        self._making = 0
        self._waiting = 0
        self._taken = 0
        self._error: Exception | None = None
        self._closed = False
        self._helpers: list[threading.Thread] = []
        self.leaks: deque[tuple[str, int]] = deque()

    @property
    def template(self) -> str:
        """The name of the template."""
        return self._template.name

    def take(self) -> str:
        """Return the name of a fresh clone, which no one else uses. Raises ServerError."""
        with self._changed:
            self._waiting += 1
            self._taken += 1
            self._start_helpers()
            self._changed.notify_all()
            try:
                while not self._ready:
                    if self._error is not None:
                        error, self._error = self._error, None
                        if isinstance(error, psycopg.Error):
                            raise self._server.rejected(error) from None
                        raise error
                    self._changed.wait()
            finally:
                self._waiting -= 1
            name = self._ready.popleft()
            self._changed.notify_all()
            return name

    def give_back(self, name: str, test: str) -> None:
        """Let a helper drop a clone; ``test`` is the name of the test that used it."""
        with self._changed:
            self._used.append(Used(name, test))
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until every used clone has been dropped, and end the helpers."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for helper in self._helpers:
            helper.join()

    def _start_helpers(self) -> None:
        while len(self._helpers) < _HELPERS:
            helper = threading.Thread(target=self._help, name="pgbraid-clones", daemon=True)
            self._helpers.append(helper)
            helper.start()

    def _help(self) -> None:
        """Make and drop clones until the pool is closed."""
        conn: Connection | None = None
        while (job := self._next_job()) is not None:
            try:
                if conn is None or conn.closed:
                    conn = open_connection(self._server.target.parameters)
                if isinstance(job, Used):
                    self._drop(conn, job)
                else:
                    self._make(conn)
            except Exception as error:  # noqa: BLE001 - raised again by the waiting test
                self._failed(job, error)
        if conn is not None:
            conn.close()

    def _next_job(self) -> Used | str | None:
        """Wait for something to do; return None at the end."""
        with self._changed:
            while True:
                if self._used and (len(self._used) >= _MOST_USED or not self._lacks()):
                    return self._used.popleft()
                if not self._closed and self._lacks():
                    self._making += 1
                    return ""
                if self._closed:
                    return None
                self._changed.wait()

    def _lacks(self) -> bool:
        """Return whether another clone is to be made.

        The number grows with the clones taken: a run with one test needs one clone.
        """
        if self._closed or self._error is not None:
            return False
        required = self._waiting + min(self._ahead, self._taken - self._waiting)
        return len(self._ready) + self._making < required

    def _make(self, conn: Connection) -> None:
        name = self._server.new_name()
        self._template.clone(self._server, conn, name)
        with suppress(psycopg.Error), open_connection(self._server.parameters_of(name)) as first:
            first.execute(b"SELECT")
        with self._changed:
            self._making -= 1
            self._ready.append(name)
            self._changed.notify_all()

    def _drop(self, conn: Connection, used: Used) -> None:
        sessions = self._sessions(conn, used.name)
        if sessions and used.test:
            self.leaks.append((used.test, sessions))
        self._shared.compare(conn, used.test)
        if self._closed and self._server.exclusive:
            return  # the databases end with the server
        with suppress(psycopg.Error):
            self._server.drop(conn, used.name)

    def _sessions(self, conn: Connection, name: str) -> int:
        """Return how many sessions a database has, without those that are about to end."""
        sessions = 0
        for _ in range(10):
            ((sessions,),) = conn.execute(text("sessions_of"), {"name": name}).fetchall()
            if not sessions:
                break
            threading.Event().wait(_SESSIONS_END / 10)
        return int(sessions)

    def _failed(self, job: Used | str, error: Exception) -> None:
        with self._changed:
            if not isinstance(job, Used):
                self._making -= 1
                self._error = error
            self._changed.notify_all()
