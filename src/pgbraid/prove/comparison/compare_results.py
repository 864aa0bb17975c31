"""Compares the results of two replays, except for values that differ in every replay."""

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
)
from pgbraid.postgres.catalog.sequence_positions import positions
from pgbraid.prove.comparison.nondeterminism import NOTHING_CHANGES, Changing, stable_between
from pgbraid.prove.comparison.row_listing import with_differing_rows
from pgbraid.prove.comparison.schema_diff import diff_snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.catalog.row_digests import Rows
    from pgbraid.postgres.catalog.tables_with_rows import RowTable
    from pgbraid.prove.replay.replayer import Base, KeptReplay, Replayer

__all__ = ["Comparison", "changing_values", "compare_kept", "replay_twice"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences between two orders, and the values that could not be compared.

    ``changing`` defines the values of the schema, and ``meaning`` those of the rows, that differ
    between two replays of one order. A search masks them; in rows, it masks whole columns.
    """

    differences: tuple[Difference, ...] = ()
    not_compared: tuple[str, ...] = ()
    changing: Changing = NOTHING_CHANGES
    meaning: Meaning = field(default_factory=Meaning)

    @property
    def facets(self) -> frozenset[Facet]:
        """The facets in which the orders differ."""
        return frozenset(difference.facet for difference in self.differences)


def compare_kept(
    replayer: Replayer, left: KeptReplay, right: KeptReplay, again: Callable[[str], KeptReplay]
) -> Comparison:
    """Compare two replays whose databases still exist.

    If the results differ, ``again("right")`` replays the right order once more. If these two
    replays differ, ``again("left")`` replays the left order once more. Values in which the two
    replays of one order differ are masked. Raises the errors of the scratch server.
    """
    assert left.result.snapshot is not None  # noqa: S101 - both ran
    assert right.result.snapshot is not None  # noqa: S101 - a replay without a failure has one
    unread = tuple(
        dict.fromkeys((*left.result.snapshot.not_compared, *right.result.snapshot.not_compared))
    )
    if left.result.snapshot.catalogs == right.result.snapshot.catalogs:
        return Comparison(not_compared=unread)
    right_stable, right_changing, right_rows = _stable(replayer, right, partial(again, "right"))
    if right_changing or right_rows:
        left_stable, left_changing, left_rows = _stable(replayer, left, partial(again, "left"))
    else:
        # Two replays of the right order are identical, so every difference is due to the order.
        left_stable, left_changing, left_rows = (
            left.result.snapshot,
            NOTHING_CHANGES,
            ChangingRows(),
        )
    (left_rows, right_rows), parts = in_parts(left_rows, right_rows)
    meanings = _equal_meanings(left_rows, right_rows)
    changing = left_changing | right_changing
    not_compared = [*unread, *changing.described(), *_described(left_rows, right_rows, parts)]
    ours, theirs = left.result.snapshot.catalogs, right.result.snapshot.catalogs
    if any(ours[part] != theirs[part] for part in (DATA, SEQUENCES)):
        rows = _RowComparison(replayer, (left, right), meanings)
        left_stable, right_stable = rows.compared(left_stable, right_stable)
        not_compared += rows.not_compared()
    differences = diff_snapshots(left_stable, right_stable)
    differences = with_differing_rows(replayer, (left, right), meanings, differences)
    # A search replays an order only once, so it cannot find the changing values of a column.
    masks = dict.fromkeys((*meanings[0].masks, *meanings[1].masks), EVERY)
    return Comparison(
        differences,
        tuple(dict.fromkeys(not_compared)),
        changing,
        Meaning(meanings[0].keys, masks, meanings[0].excluded),
    )


def _equal_meanings(left: ChangingRows, right: ChangingRows) -> tuple[Meaning, Meaning]:
    """Return how to compare the rows of each side.

    Both sides must leave out the same keys and tables, or their digests would differ.
    """
    keys = left.meaning.keys | right.meaning.keys
    excluded = left.meaning.excluded | right.meaning.excluded
    return (
        replace(left.meaning, keys=keys, excluded=excluded),
        replace(right.meaning, keys=keys, excluded=excluded),
    )


def _stable(
    replayer: Replayer, first: KeptReplay, again: Callable[[], KeptReplay]
) -> tuple[Snapshot, Changing, ChangingRows]:
    """Replay an order once more, and mask the values in which the two replays differ."""
    second = again()
    try:
        one, other = first.result.snapshot, second.result.snapshot
        assert one is not None  # noqa: S101 - it ran
        if other is None:  # the order succeeded in the first replay and failed in the second
            return one, Changing(failed=_failed(second.result)), ChangingRows()
        snapshot, changing = stable_between(one, other)
        if one.catalogs[DATA] == other.catalogs[DATA]:
            return snapshot, changing, ChangingRows()
        with replayer.reading(first) as ours, replayer.reading(second) as theirs:
            rows = find_changing((ours, _rows(first)), (theirs, _rows(second)))
        return snapshot, changing, rows
    finally:
        replayer.drop(second.name)


def changing_values(
    replayer: Replayer, first: KeptReplay, again: Callable[[], KeptReplay]
) -> tuple[str, ...]:
    """Return a line for each value that differs in another replay of the same order.

    Raises the errors of the scratch server.
    """
    _, changing, rows = _stable(replayer, first, again)
    (rows,), parts = in_parts(rows)
    return (*changing.described(), *_described(rows, ChangingRows(), parts))


def _failed(result: ReplayResult) -> frozenset[str]:
    """Return the migration that failed and its error, for ``Changing.failed``."""
    failure = result.failure
    assert failure is not None  # noqa: S101 - it has no result
    return frozenset({f"at {failure.migration.label}: {failure.diagnostic.message}"})


def replay_twice(replayer: Replayer, base: Base, order: Sequence[Migration]) -> ReplayResult:
    """Replay an order twice, and return the part of the scope in which both replays agree.

    A search uses this if a difference is in the column of a value that changes in every replay.
    """
    scope = replayer.scope
    first = replayer.keep(base, order)
    if scope is None or first.result.snapshot is None:
        replayer.drop(first.name)
        return first.result
    try:
        stable, _, rows = _stable(replayer, first, lambda: replayer.keep(base, order))
        (rows,), _ = in_parts(rows)
        replayer.scope = replace(scope, schema=False, meaning=rows.meaning)
        data = replayer.read(first.name).snapshot
    finally:
        replayer.scope = scope
        replayer.drop(first.name)
    parts = dict(stable.catalogs) if scope.schema else {}
    for part in (DATA, SEQUENCES):
        parts.pop(part, None)
    return ReplayResult(
        replace(stable, catalogs=MappingProxyType({**parts, **(data.catalogs if data else {})}))
    )


def _rows(replay: KeptReplay) -> Rows:
    assert replay.rows is not None  # noqa: S101 - it ran, and its whole result was read
    return replay.rows


def _described(
    left: ChangingRows, right: ChangingRows, parts: frozenset[tuple[str, str]]
) -> Iterator[str]:
    """Yield a line for each table or column with rows, values or parts of values not compared."""
    numbers = {**(left.values or {}), **(right.values or {})}
    for (table, column), number in sorted(numbers.items()):
        if not column:
            yield f"{table}: its rows differ between two replays of one order"
        elif number is None:
            yield f"{table}.{column}: its values differ between two replays of one order"
        else:
            values = "1 value differs" if number == 1 else f"{number} values differ"
            part = "a part of " if (table, column) in parts else ""
            yield f"{table}.{column}: {part}{values} between two replays of one order"


class _RowComparison:
    """Compares the rows of two databases by meaning: a generated key stands for its row."""

    def __init__(
        self,
        replayer: Replayer,
        replays: tuple[KeptReplay, KeptReplay],
        meanings: tuple[Meaning, Meaning],
    ) -> None:
        self._replayer, self._replays, self._meanings = replayer, replays, meanings
        self._unresolved: set[str] = set()
        self._renumbered: set[str] = set()

    def compared(self, left: Snapshot, right: Snapshot) -> tuple[Snapshot, Snapshot]:
        """Return the snapshots with the digests of rows by meaning, and positions of sequences."""
        sides = []
        for replay, meaning in zip(self._replays, self._meanings, strict=True):
            tables = _rows(replay).tables
            with self._replayer.reading(replay) as conn:
                digests, unresolved = digests_by_meaning(conn, tables, meaning)
                sides.append({**digests, **positions(conn, tables), **_large_objects(replay)})
                self._unresolved |= unresolved
        self._note_renumbered(sides)
        return _with_data(left, sides[0]), _with_data(right, sides[1])

    def _note_renumbered(self, sides: list[dict[str, tuple[str | None, ...]]]) -> None:
        """Note the generated keys that differ although the rows are equal by meaning."""
        ours, theirs = (_rows(replay).digests for replay in self._replays)
        equal = {
            label
            for label in sides[0].keys() & sides[1].keys() & ours.keys() & theirs.keys()
            if sides[0][label] == sides[1][label] and ours[label] != theirs[label]
        }
        numbered = [
            {table.label for table, _ in generated_keys(_rows(replay).tables, meaning)}
            for replay, meaning in zip(self._replays, self._meanings, strict=True)
        ]
        equal &= numbered[0] & numbered[1]
        if not equal:
            return
        # The digests may differ only in masked values, so compare again with the keys as values.
        by_value = [self._by_value(n, equal) for n in (0, 1)]
        tables = {table.label: table for table in _rows(self._replays[0]).tables}
        self._renumbered = {
            f"{table.name}.{column}"
            for label in equal
            if by_value[0].get(label) != by_value[1].get(label)
            for table, column in generated_keys((tables[label],), self._meanings[0])
            if (table.name, column) not in self._meanings[0].masks
        }

    def _by_value(self, number: int, labels: set[str]) -> dict[str, tuple[str | None, ...]]:
        """Return digests of the rows of some tables with generated keys compared as values."""
        replay, meaning = self._replays[number], self._meanings[number]
        tables = [_without_keys(t) for t in _rows(replay).tables if t.label in labels]
        with self._replayer.reading(replay) as conn:
            return digests_by_meaning(conn, tables, replace(meaning, keys=frozenset()))[0]

    def not_compared(self) -> Iterator[str]:
        """Yield a line for each generated key, and each table, that was not fully compared."""
        for name in sorted(self._renumbered):
            yield f"{name}: generated, with other values in each order; rows compared without it"
        for name in sorted(self._unresolved):
            yield f"{name}: rows with generated keys that cannot be followed"


def _without_keys(table: RowTable) -> RowTable:
    columns = tuple(replace(column, identifies=False) for column in table.columns)
    return replace(table, columns=columns, keys=(), origins=MappingProxyType({}))


def _large_objects(replay: KeptReplay) -> dict[str, tuple[str | None, ...]]:
    """Return the large objects of a database, which are identified by their contents."""
    digests = _rows(replay).digests
    return {label: facts for label, facts in digests.items() if label.startswith("large object ")}


def _with_data(snapshot: Snapshot, digests: dict[str, tuple[str | None, ...]]) -> Snapshot:
    """Return a snapshot with these digests of rows, large objects and sequences as its data."""
    parts = {**snapshot.catalogs, DATA: data_part(digests)}
    parts.setdefault(SEQUENCES, data_part({}))
    parents = dict(snapshot.parents)
    for label in digests:
        _, marked, column = label.partition(" for ")
        if marked and label.startswith("next value of "):
            parents[label] = f"column {column}"
    return replace(snapshot, catalogs=MappingProxyType(parts), parents=MappingProxyType(parents))
