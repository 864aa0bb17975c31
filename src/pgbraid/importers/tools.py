"""The list of supported migration tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import golang_migrate
from pgbraid.importers.tool import Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOLS", "Tool", "find_tool"]

TOOLS: tuple[Tool, ...] = (golang_migrate.TOOL,)
"""All tools whose tracker can be adopted. Add a new tool's module to this tuple."""


def find_tool(table: TrackerTable) -> Tool | None:
    """Return the tool whose tracker this table is, or None."""
    return next((tool for tool in TOOLS if tool.matches(table)), None)
