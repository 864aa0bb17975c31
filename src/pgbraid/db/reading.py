"""Reads whole snapshots of one server's databases, each in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.core.snapshot import without_columns
from pgbraid.db.catalog import read_layout, read_snapshot
from pgbraid.db.contents import noisy_columns, with_contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.core.model import Tracker
    from pgbraid.core.snapshot import Snapshot
    from pgbraid.db.layout import Layout
    from pgbraid.db.opening import Connection

__all__ = ["Reader"]


class Reader:
    """What is kept from one snapshot to the next: the layout, and the columns left out.

    With ``rows`` what tables and sequences hold is read, too.
    """

    def __init__(
        self, tracker: Tracker, *, rows: bool = True, also_ours: Sequence[str] = ()
    ) -> None:
        self._also_ours = also_ours
        self.tracker = tracker
        self.rows = rows
        self.noisy: frozenset[tuple[str, str]] = frozenset()
        self._layout: Layout | None = None
        self._last: Snapshot | None = None

    def read(self, conn: Connection, *, by_column: bool = False, again: bool = False) -> Snapshot:
        """Return the snapshot of a database; it reads in the transaction that is open, if any.

        With ``by_column`` each column's digest is read and kept, with ``again`` the columns that
        differ from those kept are left out from now on. Raises psycopg's error.
        """
        if self._layout is None:
            self._layout = read_layout(conn)
        snapshot = read_snapshot(conn, self._layout, self.tracker, also_ours=self._also_ours)
        if not self.rows:
            return snapshot
        each = by_column or again
        found = with_contents(conn, snapshot, self.tracker, self.noisy, by_column=each)
        if again and self._last is not None:
            noisy = noisy_columns(self._last, found)
            self.noisy |= noisy
            if noisy:
                found = with_contents(conn, snapshot, self.tracker, self.noisy)
        if by_column:
            self._last = found
        return without_columns(found)
