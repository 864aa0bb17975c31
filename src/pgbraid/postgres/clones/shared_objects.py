"""Notices when a test changes what all databases of the server share, such as roles."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pgbraid.postgres.scratch.cluster_state import differences, read_cluster

if TYPE_CHECKING:
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.clones.clone_server import CloneServer
    from pgbraid.postgres.scratch.cluster_state import Cluster

__all__ = ["SharedObjects"]

_PREFIX = "pgbraid_t"
"""The beginning of the names of our databases, as a pattern of LIKE."""


class SharedObjects:
    """The shared objects of an exclusive server, compared once after a test until one differs."""

    def __init__(self) -> None:
        self._before: Cluster | None = None
        self.changes: deque[tuple[str, tuple[str, ...]]] = deque()
        """The test after which they differed first, and their names."""

    def remember(self, server: CloneServer) -> None:
        """Remember the objects that are there now. Raises the driver's error."""
        if server.exclusive:
            self._before = read_cluster(server.conn, _PREFIX)

    def compare(self, conn: Connection, test: str) -> None:
        """Note the objects that have changed. Raises the driver's error."""
        if self._before is None:
            return
        now = read_cluster(conn, _PREFIX)
        found = [name for name in differences(self._before, now) if not name.startswith("database")]
        if found:
            self._before = None
            self.changes.append((test, tuple(found)))
