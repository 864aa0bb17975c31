"""The trackers of other tools: which table is whose, and which migrations it says are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import golang_migrate
from pgbraid.importers.tool import Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOLS", "Tool", "find_tool"]

TOOLS: tuple[Tool, ...] = (golang_migrate.TOOL,)
"""Every tracker that can be adopted; a new one is a module here and a name in this tuple."""


def find_tool(table: TrackerTable) -> Tool | None:
    """Return the tracker that this table belongs to, decided by its columns, or None."""
    return next((tracker for tracker in TOOLS if tracker.matches(table)), None)
