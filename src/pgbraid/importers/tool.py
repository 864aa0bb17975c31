"""The interface of an importer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pgbraid.model.migration import MigrationSet, Problem
    from pgbraid.model.results import Adoption, TrackerTable

    Adopt = Callable[[TrackerTable, MigrationSet, Collection[int]], Adoption | tuple[Problem, ...]]

__all__ = ["Tool", "version_of"]

_LEADING_VERSION = re.compile(r"[VvUu]?([0-9]{1,19})(?![0-9A-Za-z.])")


@dataclass(frozen=True, slots=True)
class Tool:
    """The tracker of another migration tool: how it is recognised, and how it is adopted.

    A table is the tracker if its name is one of ``tables`` and it has at least ``columns``, each
    with one of the listed types, because several tools share a table name and applications add
    columns of their own. With ``exact`` it has no other columns. ``schema`` is where the tool puts
    the table by default; with ``only_there`` a table elsewhere is another tool's. ``key`` is the
    column that identifies a migration.

    ``adopt`` returns the migrations that the rows record as applied, without the versions given as
    not applied, or the problems that prevent adoption. It is None for a tool whose record pgbraid
    only recognises.
    """

    tool: str
    tables: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    """Name and type of each column, as ``format_type`` prints it; ``|`` separates two types."""
    key: str
    schema: str | None = None
    only_there: bool = False
    exact: bool = False
    adopt: Adopt | None = None
    has_initial_row: bool = False
    """Whether the tool writes a row of version 0 before any migration."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns to read."""
        return tuple(name for name, _ in self.columns)

    def matches(self, table: TrackerTable) -> bool:
        """Whether a table is this tool's tracker."""
        types = dict(table.columns)
        return (
            table.table in self.tables
            and not (self.only_there and table.schema != self.schema)
            and all(types.get(name) in kinds.split("|") for name, kinds in self.columns)
            and not (self.exact and len(types) > len(self.columns))
        )


def version_of(key: str) -> int | None:
    """Return the version at the start of a recorded key such as ``0001_initial``, or None."""
    match = _LEADING_VERSION.match(key)
    return int(match[1]) if match else None
