"""What every foreign tracker gives."""

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
    """One tool's tracker.

    ``tables`` are the bare names it may have; ``matches`` decides by the columns, as several
    tools share a name; ``adopt`` says which of our files the table's rows mean, leaving out
    the versions that are named as not applied, or which problems forbid to say so. Only the
    columns of ``reads`` are read, as an application may have added others, of any type.
    """

    tool: str
    tables: tuple[str, ...]
    matches: Callable[[TrackerTable], bool]
    adopt: Callable[[TrackerTable, MigrationSet, Collection[int]], Adoption | tuple[Problem, ...]]
    reads: tuple[str, ...]
