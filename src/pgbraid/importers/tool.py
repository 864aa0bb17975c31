"""The interface of an importer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pgbraid.model.migration import MigrationSet, Problem
    from pgbraid.model.results import Adoption, TrackerTable

__all__ = ["Tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    """The tracker of another migration tool, and how to adopt it.

    ``tables`` are the possible table names without schema. ``matches`` recognises the table by its
    columns, because several tools share a table name. ``adopt`` returns the migrations that the
    table's rows record as applied, without the versions given as not applied, or the problems that
    prevent adoption. ``reads`` are the columns to read; an application may have added others.
    """

    tool: str
    tables: tuple[str, ...]
    matches: Callable[[TrackerTable], bool]
    adopt: Callable[[TrackerTable, MigrationSet, Collection[int]], Adoption | tuple[Problem, ...]]
    reads: tuple[str, ...]
