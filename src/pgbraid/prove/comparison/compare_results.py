"""Compares what two orders came to, all of it but what no two replays agree on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from pgbraid.model.proof import ReplayResult
from pgbraid.model.snapshot import DATA, SEQUENCES, Difference, Facet
from pgbraid.postgres.catalog.changing_values import ChangingRows, find_changing, in_parts
from pgbraid.postgres.catalog.row_digests import data_part
from pgbraid.postgres.catalog.row_identity import (
    EVERY,
    Meaning,
    digests_by_meaning,
    generated_keys,
    positions,
)
from pgbraid.prove.comparison.nondeterminism import NOTHING_CHANGES, Changing, stable_between
from pgbraid.prove.comparison.schema_diff import diff_snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.catalog.row_digests import Rows
    from pgbraid.postgres.catalog.tables_with_rows import RowTable
    from pgbraid.prove.replay.replayer import Base, KeptReplay, Replayer

__all__ = ["Comparison", "compare_kept", "replay_twice"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two orders differ in, and what of them could not be compared.

    ``changing`` is what differs between two replays of one order: of the schema, and of the rows
    for a search, which masks whole columns.
    """

    differences: tuple[Difference, ...] = ()
    not_compared: tuple[str, ...] = ()
    changing: Changing = NOTHING_CHANGES
    meaning: Meaning = field(default_factory=Meaning)

    @property
    def facets(self) -> frozenset[Facet]:
        """In which respects the orders differ."""
        return frozenset(difference.facet for difference in self.differences)


def compare_kept(
    replayer: Replayer, left: KeptReplay, right: KeptReplay, again: Callable[[str], KeptReplay]
) -> Comparison:
    """Return how two replays compare, whose databases are there still.

    Where they are not equal to the letter, ``again`` is called with ``right``, and if need be with
    ``left``, for a second replay of that order: values in which the two replays of one order differ
    are masked. Raises what the scratch server raises.
    """
    assert left.result.snapshot is not None  # noqa: S101 - both ran
    assert right.result.snapshot is not None  # noqa: S101
    unread = tuple(
        dict.fromkeys((*left.result.snapshot.not_compared, *right.result.snapshot.not_compared))
    )
    if left.result.snapshot.catalogs == right.result.snapshot.catalogs:
        return Comparison(not_compared=unread)
    right_stable, right_changing, right_rows = _stable(replayer, right, partial(again, "right"))
    if right_changing or right_rows:
        left_stable, left_changing, left_rows = _stable(replayer, left, partial(again, "left"))
    else:
        # What is the same in both replays of one order can differ from the other one only.
        left_stable, left_changing, left_rows = (
            left.result.snapshot,
            NOTHING_CHANGES,
            ChangingRows(),
        )
    (left_rows, right_rows), parts = in_parts(left_rows, right_rows)
    keys = left_rows.left.keys | right_rows.left.keys
    excluded = left_rows.left.excluded | right_rows.left.excluded
    meanings = (
        replace(left_rows.left, keys=keys, excluded=excluded),
        replace(right_rows.left, keys=keys, excluded=excluded),
    )
    changing = left_changing | right_changing
    told = [*unread, *changing.described(), *_described(left_rows, right_rows, parts)]
    ours, theirs = left.result.snapshot.catalogs, right.result.snapshot.catalogs
    if any(ours[part] != theirs[part] for part in (DATA, SEQUENCES)):
        rows = _RowComparison(replayer, (left, right), meanings)
        left_stable, right_stable = rows.compared(left_stable, right_stable)
        told += rows.not_compared()
    masks = dict.fromkeys((*meanings[0].masks, *meanings[1].masks), EVERY)
    return Comparison(
        diff_snapshots(left_stable, right_stable),
        tuple(dict.fromkeys(told)),
        changing,
        Meaning(keys, masks, excluded),
    )


def _stable(
    replayer: Replayer, kept: KeptReplay, again: Callable[[], KeptReplay]
) -> tuple[Snapshot, Changing, ChangingRows]:
    """Replay an order once more, and mask what the two replays do not agree on."""
    once_more = again()
    try:
        one, other = kept.result.snapshot, once_more.result.snapshot
        assert one is not None  # noqa: S101 - it ran
        if other is None:  # an order that runs in one replay, and not in the next
            return one, Changing(failed=_failed(once_more.result)), ChangingRows()
        snapshot, changing = stable_between(one, other)
        if one.catalogs[DATA] == other.catalogs[DATA]:
            return snapshot, changing, ChangingRows()
        with replayer.reading(kept) as ours, replayer.reading(once_more) as theirs:
            rows = find_changing((ours, _rows(kept)), (theirs, _rows(once_more)))
        return snapshot, changing, rows
    finally:
        replayer.drop(once_more.name)


def _failed(ended: ReplayResult) -> frozenset[str]:
    """Say which migration failed, and why; ``failed`` of what changes."""
    failure = ended.failure
    assert failure is not None  # noqa: S101 - it has no result
    return frozenset({f"at {failure.migration.label}: {failure.diagnostic.message}"})


def replay_twice(replayer: Replayer, base: Base, order: Sequence[Migration]) -> ReplayResult:
    """Replay an order twice and return what both replays agree on, as far as the scope goes.

    This is for a search that asks about values beside those which change from replay to replay.
    """
    scope = replayer.scope
    kept = replayer.keep(base, order)
    if scope is None or kept.result.snapshot is None:
        replayer.drop(kept.name)
        return kept.result
    try:
        stable, _, rows = _stable(replayer, kept, lambda: replayer.keep(base, order))
        (rows,), _ = in_parts(rows)
        replayer.scope = replace(scope, schema=False, meaning=rows.left)
        found = replayer.read(kept.name).snapshot
    finally:
        replayer.scope = scope
        replayer.drop(kept.name)
    parts = dict(stable.catalogs) if scope.schema else {}
    for part in (DATA, SEQUENCES):
        parts.pop(part, None)
    return ReplayResult(
        replace(stable, catalogs=MappingProxyType({**parts, **(found.catalogs if found else {})}))
    )


def _rows(kept: KeptReplay) -> Rows:
    assert kept.rows is not None  # noqa: S101 - it ran, and all of it was read
    return kept.rows


def _described(
    left: ChangingRows, right: ChangingRows, parts: frozenset[tuple[str, str]]
) -> Iterator[str]:
    """Say which rows, or values of which columns, were not compared, or parts of values."""
    found = {**(left.values or {}), **(right.values or {})}
    for (table, column), number in sorted(found.items()):
        if not column:
            yield f"{table}: its rows differ between two replays of one order"
        elif number is None:
            yield f"{table}.{column}: its values differ between two replays of one order"
        else:
            values = "1 value differs" if number == 1 else f"{number} values differ"
            part = "a part of " if (table, column) in parts else ""
            yield f"{table}.{column}: {part}{values} between two replays of one order"


class _RowComparison:
    """The rows of two databases, compared by what they say."""

    def __init__(
        self,
        replayer: Replayer,
        kept: tuple[KeptReplay, KeptReplay],
        meanings: tuple[Meaning, Meaning],
    ) -> None:
        self._replayer, self._kept, self._meanings = replayer, kept, meanings
        self._unsure: set[str] = set()
        self._renumbered: set[str] = set()

    def compared(self, left: Snapshot, right: Snapshot) -> tuple[Snapshot, Snapshot]:
        """Return the snapshots with their rows by meaning, and the positions of sequences."""
        found = []
        for kept, meaning in zip(self._kept, self._meanings, strict=True):
            tables = _rows(kept).tables
            with self._replayer.reading(kept) as conn:
                digests, unsure = digests_by_meaning(conn, tables, meaning)
                found.append({**digests, **positions(conn, tables), **_objects(kept)})
                self._unsure |= unsure
        self._note_renumbered(found)
        return _with_data(left, found[0]), _with_data(right, found[1])

    def _note_renumbered(self, found: list[dict[str, tuple[str | None, ...]]]) -> None:
        """Take note of the keys that are other ones although the rows are the same."""
        ours, theirs = (_rows(kept).digests for kept in self._kept)
        alike = {
            label
            for label in found[0].keys() & found[1].keys() & ours.keys() & theirs.keys()
            if found[0][label] == found[1][label] and ours[label] != theirs[label]
        }
        numbered = [
            {table.label for table, _ in generated_keys(_rows(kept).tables, meaning)}
            for kept, meaning in zip(self._kept, self._meanings, strict=True)
        ]
        alike &= numbered[0] & numbered[1]
        if not alike:
            return
        by_value = [self._by_value(n, alike) for n in (0, 1)]
        names = {table.label: table for table in _rows(self._kept[0]).tables}
        self._renumbered = {
            f"{names[label].name}.{column}"
            for label in alike
            if by_value[0].get(label) != by_value[1].get(label)
            for table, column in generated_keys((names[label],), self._meanings[0])
            if (table.name, column) not in self._meanings[0].masks
        }

    def _by_value(self, number: int, labels: set[str]) -> dict[str, tuple[str | None, ...]]:
        """Return digests of the rows of some tables with generated keys compared as values."""
        kept, meaning = self._kept[number], self._meanings[number]
        tables = [_without_keys(t) for t in _rows(kept).tables if t.label in labels]
        with self._replayer.reading(kept) as conn:
            return digests_by_meaning(conn, tables, replace(meaning, keys=frozenset()))[0]

    def not_compared(self) -> Iterator[str]:
        """Say what of the rows was not compared."""
        for name in sorted(self._renumbered):
            yield f"{name}: generated, and other values in each order; rows compared without"
        for name in sorted(self._unsure):
            yield f"{name}: rows that hold generated keys which cannot be followed"


def _without_keys(table: RowTable) -> RowTable:
    columns = tuple(replace(column, identifies=False) for column in table.columns)
    return replace(table, columns=columns, keys=(), origins=MappingProxyType({}))


def _objects(kept: KeptReplay) -> dict[str, tuple[str | None, ...]]:
    """Return the large objects of a database, which are known by what they hold."""
    digests = _rows(kept).digests
    return {label: facts for label, facts in digests.items() if label.startswith("large object ")}


def _with_data(snapshot: Snapshot, digests: dict[str, tuple[str | None, ...]]) -> Snapshot:
    parts = {**snapshot.catalogs, DATA: data_part(digests)}
    parts.setdefault(SEQUENCES, data_part({}))
    parents = dict(snapshot.parents)
    for label in digests:
        _, marked, column = label.partition(" for ")
        if marked and label.startswith("next value of "):
            parents[label] = f"column {column}"
    return replace(snapshot, catalogs=MappingProxyType(parts), parents=MappingProxyType(parents))
