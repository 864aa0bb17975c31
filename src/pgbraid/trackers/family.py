"""What every foreign tracker gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pgbraid.core.answers import Adoption, Foreign
    from pgbraid.core.model import MigrationSet, Problem

__all__ = ["ForeignTracker"]


@dataclass(frozen=True, slots=True)
class ForeignTracker:
    """One tool's tracker.

    ``tables`` are the bare names it may have; ``recognise`` decides by the columns, as several
    tools share a name; ``adopt`` says which of our files the table's rows mean, leaving out
    the versions that are named as not applied, or which problems forbid to say so. Only the
    columns of ``reads`` are read, as an application may have added others, of any type.
    """

    tool: str
    tables: tuple[str, ...]
    recognise: Callable[[Foreign], bool]
    adopt: Callable[[Foreign, MigrationSet, Collection[int]], Adoption | tuple[Problem, ...]]
    reads: tuple[str, ...]
