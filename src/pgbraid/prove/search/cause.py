"""The result of the search for the cause of a difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgbraid.model.proof import ConflictingPair

__all__ = ["Cause"]


@dataclass(frozen=True, slots=True)
class Cause:
    """The pair that conflicts, or the reason why no pair is named."""

    pair: ConflictingPair | None = None
    no_pair: str | None = None
    search_replays: float = 0.0
    """The work of the search, in plain replays."""
    cut_short: bool = False
    """Whether a limit ended the search before it had the smallest example."""
