"""The trackers of other tools: which table is whose, and which migrations it says are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.trackers import golang_migrate
from pgbraid.trackers.family import ForeignTracker

if TYPE_CHECKING:
    from pgbraid.core.answers import Foreign

__all__ = ["TRACKERS", "ForeignTracker", "recognise"]

TRACKERS: tuple[ForeignTracker, ...] = (golang_migrate.TRACKER,)
"""Every tracker that can be adopted; a new one is a module here and a name in this tuple."""


def recognise(table: Foreign) -> ForeignTracker | None:
    """Return the tracker that this table belongs to, decided by its columns, or None."""
    return next((tracker for tracker in TRACKERS if tracker.recognise(table)), None)
