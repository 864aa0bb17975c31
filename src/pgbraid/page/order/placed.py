"""Places each migration in two orders: that of the versions, and that of the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.results import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pgbraid.model.results import StatusRow
    from pgbraid.postgres.ledger.journal_lines import JournalLine

__all__ = ["PlacedMigration", "inversions_of", "place_migrations"]

_PENDING = frozenset({State.PENDING, State.GAP, State.INCOMPLETE, State.ADOPTABLE})
_RECORDED = frozenset({"applied", "adopted"})


@dataclass(frozen=True, slots=True)
class PlacedMigration:
    """A migration with its places in both orders.

    ``rank`` is its place in the order of versions, ``place`` in the order of application, both from
    0. Pending migrations stand at the end of the order of application, as ``up`` would run them.
    It is ``out_of_order`` if a higher version stands before it there.
    """

    version: int
    name: str
    state: State
    rank: int = 0
    place: int = 0
    out_of_order: bool = False
    applied_at: datetime | None = None
    run_id: str | None = None
    """The run that applied or adopted it, if the journal has a line of it."""
    ordered: bool = True
    """Whether a line of the journal gives its place; without one it is the time of its row."""
    digits: str = ""
    """The version as the file's name has it, with leading zeros."""

    @property
    def label(self) -> str:
        """Version and name."""
        digits = self.digits or str(self.version)
        return f"{digits}_{self.name}" if self.name else digits

    @property
    def pending(self) -> bool:
        """Whether it is not applied."""
        return self.state in _PENDING


def place_migrations(
    rows: Iterable[StatusRow], lines: Sequence[JournalLine], digits: Mapping[int, str]
) -> tuple[PlacedMigration, ...]:
    """Return every migration that is applied or pending, in the order of application.

    A migration without a line of its application (adopted, or the journal was pruned) stands first,
    by the time of its row. Those that a baseline replaces are left out: a fresh database has none.
    ``digits`` are the versions as the names of the files have them.
    """
    ran = {line.version: line for line in lines if line.event == "applied"}
    recorded = {line.version: line for line in lines if line.event in _RECORDED}
    shown = [row for row in rows if row.state is not State.REPLACED]
    ranks = {row.version: rank for rank, row in enumerate(sorted(shown, key=_version))}

    def order(row: StatusRow) -> tuple[int, float, int]:
        if row.state in _PENDING:
            return (2 if row.state is State.ADOPTABLE else 3), 0, row.version
        line = ran.get(row.version)
        if line is not None:
            return 1, line.place, row.version
        return 0, row.applied_at.timestamp() if row.applied_at else 0, row.version

    highest, placed = -1, []
    for place, row in enumerate(sorted(shown, key=order)):
        line = recorded.get(row.version)
        migration = PlacedMigration(
            row.version,
            row.name,
            row.state,
            ranks[row.version],
            place,
            row.version < highest,
            row.applied_at,
            line.run_id if line and row.state not in _PENDING else None,
            row.state in _PENDING or row.version in ran,
            digits.get(row.version, ""),
        )
        placed.append(migration)
        highest = max(highest, row.version)
    return tuple(placed)


def _version(row: StatusRow) -> int:
    return row.version


def inversions_of(order: Sequence[int]) -> int:
    """Return how many pairs of an order are swapped, compared with the sorted order."""
    ranks = {value: rank for rank, value in enumerate(sorted(order), 1)}
    # A binary indexed tree of the values seen: 10,000 migrations have 50 million pairs.
    tree, swapped = [0] * (len(order) + 1), 0
    for seen, value in enumerate(order):
        rank = ranks[value]
        lower, index = 0, rank
        while index:
            lower += tree[index]
            index -= index & -index
        swapped += seen - lower
        index = rank
        while index <= len(order):
            tree[index] += 1
            index += index & -index
    return swapped
