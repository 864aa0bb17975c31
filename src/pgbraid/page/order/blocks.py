"""Blocks: migrations that stand together in both orders, so that a drawing has few strands."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pgbraid.page.order.placed import PlacedMigration

__all__ = ["Block", "Braid", "Heading", "braid_of"]

MOST_BLOCKS = 400
"""A drawing has at most this number of strands."""


@dataclass(frozen=True, slots=True)
class Block:
    """Migrations that follow each other in both orders.

    ``left`` is its place among the blocks in the order of versions, ``right`` in the order of
    application, both from 0. ``pair`` is true for a migration of the pair that a proof names.
    """

    migrations: tuple[PlacedMigration, ...]
    left: int
    right: int
    pair: bool = False

    @property
    def first(self) -> PlacedMigration:
        """Its lowest version."""
        return self.migrations[0]

    @property
    def last(self) -> PlacedMigration:
        """Its highest version."""
        return self.migrations[-1]

    @property
    def out_of_order(self) -> bool:
        """Whether higher versions stand before it in the order of application."""
        return self.first.out_of_order

    @property
    def pending(self) -> bool:
        """Whether its migrations are not applied."""
        return self.first.pending


@dataclass(frozen=True, slots=True)
class Heading:
    """The start of one or several runs in the order of application.

    ``block`` is the right place of the block below it. ``runs`` are the run ids, none if the
    journal has no line of the migrations, or if these are pending.
    """

    block: int
    runs: tuple[str, ...] = ()
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Braid:
    """The blocks in the order of application; ``omitted`` migrations are not in any block."""

    blocks: tuple[Block, ...]
    headings: tuple[Heading, ...]
    omitted: tuple[PlacedMigration, ...] = ()


def braid_of(
    migrations: Sequence[PlacedMigration],
    pair: Collection[int] = (),
    most: int = MOST_BLOCKS,
) -> Braid:
    """Return the blocks of migrations, which are in the order of application.

    ``pair`` are versions that stand alone. If there are more than ``most`` blocks, migrations that
    were applied out of order are left out, those of the oldest runs first.
    """
    whole = _braid(migrations, pair)
    if len(whole.blocks) <= most:
        return whole
    movable = sorted(
        (block for block in whole.blocks if block.out_of_order or block.pair),
        key=lambda block: (block.pair, block.right),
    )
    few, many = 0, len(movable)  # how many to leave out: too few, enough
    while many - few > 1:
        middle = (few + many) // 2
        fits = len(_without(migrations, movable[:middle], pair).blocks) <= most
        few, many = (few, middle) if fits else (middle, many)
    return _without(migrations, movable[:many], pair)


def _without(
    migrations: Sequence[PlacedMigration], omitted: Sequence[Block], pair: Collection[int]
) -> Braid:
    left_out = {m.version for block in omitted for m in block.migrations}
    braid = _braid([m for m in migrations if m.version not in left_out], pair)
    return Braid(
        braid.blocks, braid.headings, tuple(m for m in migrations if m.version in left_out)
    )


def _braid(migrations: Sequence[PlacedMigration], pair: Collection[int]) -> Braid:
    groups = _groups(migrations)
    starts, alone = {group.start for group in groups}, set(pair)
    # Among these migrations alone: others may be left out.
    ranks = {version: rank for rank, version in enumerate(sorted(m.version for m in migrations))}
    parts: list[list[PlacedMigration]] = []
    before: PlacedMigration | None = None
    for index, migration in enumerate(migrations):
        together = (
            before is not None
            and index not in starts
            and ranks[migration.version] == ranks[before.version] + 1
            and migration.pending == before.pending
            and migration.version not in alone
            and before.version not in alone
        )
        if together:
            parts[-1].append(migration)
        else:
            parts.append([migration])
        before = migration
    left = {part[0].version: n for n, part in enumerate(sorted(parts, key=_lowest))}
    blocks = tuple(
        Block(tuple(part), left[part[0].version], right, part[0].version in alone)
        for right, part in enumerate(parts)
    )
    places = {block.first.version: block.right for block in blocks}
    headings = (
        Heading(places[migrations[group.start].version], group.runs, group.pending)
        for group in groups
    )
    return Braid(blocks, tuple(headings))


def _lowest(part: Sequence[PlacedMigration]) -> int:
    return part[0].version


@dataclass(frozen=True, slots=True)
class _Group:
    """Migrations below one heading; ``start`` is the place of the first one."""

    start: int
    runs: tuple[str, ...]
    pending: bool
    moved: bool
    """Whether one of them is out of order."""


def _groups(migrations: Sequence[PlacedMigration]) -> list[_Group]:
    """Return the groups below the headings.

    A run with a migration out of order has a heading of its own; the runs between two such runs
    share one.
    """
    groups: list[_Group] = []
    for start, end in _stretches(migrations, lambda m: (m.pending, m.run_id)):
        first, runs = migrations[start], tuple(filter(None, [migrations[start].run_id]))
        moved = any(m.out_of_order for m in migrations[start:end])
        last = groups[-1] if groups else None
        if last and not (moved or last.moved or first.pending or last.pending):
            groups[-1] = _Group(last.start, (*last.runs, *runs), pending=False, moved=False)
        else:
            groups.append(_Group(start, runs, first.pending, moved))
    return groups


def _stretches(
    migrations: Sequence[PlacedMigration], key: Callable[[PlacedMigration], object]
) -> list[tuple[int, int]]:
    """Return start and end of each longest sequence of migrations with the same key."""
    starts = [
        index
        for index, migration in enumerate(migrations)
        if not index or key(migration) != key(migrations[index - 1])
    ]
    return list(pairwise([*starts, len(migrations)]))
