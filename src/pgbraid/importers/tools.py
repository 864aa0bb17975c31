"""The list of migration tools whose tracker pgbraid recognises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import golang_migrate
from pgbraid.importers.recognised import RECOGNISED
from pgbraid.importers.tool import Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["DISTINCTIVE", "TABLES", "TOOLS", "Tool", "find_tool"]

TOOLS: tuple[Tool, ...] = (*RECOGNISED, golang_migrate.TOOL)
"""All tools whose tracker is recognised. Add a new tool's module to this tuple."""
TABLES = tuple(sorted({table for tool in TOOLS for table in tool.tables}))
"""The names of all tracker tables, without schema."""
DISTINCTIVE = frozenset(TABLES) - {"changes", "migrations", "schema_version", "schemaversions"}
"""The names that an application would hardly give to a table of its own."""


def find_tool(table: TrackerTable) -> Tool | None:
    """Return the tool whose tracker this table is, or None."""
    return next((tool for tool in TOOLS if tool.matches(table)), None)
