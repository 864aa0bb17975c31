"""Finds the rows in which a table of two databases differs.

The server compares: it returns a digest for each row, in the order of the rows' identities, and
only for the parts of the table whose sums differ. Both answers are read through cursors and merged,
so that the memory does not grow with the table. Then only the rows to be shown are read.
"""

from __future__ import annotations

import heapq
import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from pgbraid.model.snapshot import (
    CHANGING_VALUE,
    AttributeDifference,
    RowDifference,
    RowDifferences,
)
from pgbraid.postgres.catalog.row_digests import reading_rows
from pgbraid.postgres.catalog.rows.traced_table import (
    BUCKETS,
    EnoughRows,
    RowSide,
    TracedTable,
    ValuesOfRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pgbraid.postgres.catalog.rows.traced_table import MaskRow

__all__ = ["SHOWN_ROWS", "find_differing_rows"]

SHOWN_ROWS = 20
"""The number of rows to show of a table."""
_ROUNDS = (0, 1, 2, 4, 8, 16, 32)
"""With few rounds, only the rows near the difference differ, and not all that are linked to it."""
_FEW = 20_000
"""Up to so many rows are compared at once; of more rows, only the buckets that differ."""
_KEPT = 200
"""The differing rows of each kind to choose the shown ones from, the first ones of the table."""
_DIGITS = re.compile(r"(\d+)")


class _Place(NamedTuple):
    """A row that differs: its place on either side, and how many rows it stands for."""

    left: str | None
    right: str | None
    number: int


def find_differing_rows(
    left: RowSide, right: RowSide, label: str, mask: MaskRow
) -> RowDifferences | None:
    """Return the rows in which a table differs between two databases, or None if it cannot be read.

    The rows are compared as in ``digests_by_meaning``. ``mask`` replaces the secrets in the values
    of a whole row, which have up to 2,000 characters. Raises psycopg's errors.
    """
    sides = (left, right)
    tables = [side.table(label) for side in sides]
    if tables == [None, None]:
        return None
    with reading_rows(left.conn), reading_rows(right.conn):
        return _Finder(sides, label, mask).differences()


class _Finder:
    """The search for the differing rows of one table."""

    def __init__(self, sides: tuple[RowSide, RowSide], label: str, mask: MaskRow) -> None:
        self._label = label
        tables = [side.table(label) for side in sides]
        names = [{c.name for c in table.columns} if table else None for table in tables]
        every = [one for one in names if one is not None]
        common = set.intersection(*every)
        self._one_sided = tuple(sorted(set.union(*every) - common))
        self._sides = [
            TracedTable(side, label, frozenset(common), mask)
            for side, table in zip(sides, tables, strict=True)
            if table
        ]
        self._missing = next((n for n, table in enumerate(tables) if table is None), None)
        hidden = frozenset[str]().union(*(side.graph.hidden(label) for side in self._sides))
        for side in self._sides:
            side.graph.leave_out(label, hidden)
        self._key, self._matches = self._choose_key(hidden)
        self._visible = tuple(sorted(common - hidden))
        self._kept: dict[str, list[_Place]] = {"changed": [], "left": [], "right": []}
        self._numbers = dict.fromkeys(self._kept, 0)
        self._complete = True

    def _choose_key(self, hidden: frozenset[str]) -> tuple[tuple[str, ...], bool]:
        """Return the key to show, and whether rows of both sides can be matched by it.

        A key with generated values, or with values that differ in each replay, can have other
        values for the same row.
        """
        keys = [side.keys() for side in self._sides]
        both = [key for key in keys[0] if all(key in others for others in keys[1:])]
        masked = {column for side in self._sides for column in side.masked}
        stable = next((key for key in both if not masked.union(hidden).intersection(key)), None)
        if stable is not None:
            for side in self._sides:
                side.graph.identify_by(stable)
            return stable, True
        return (both[0] if both else ()), False

    def differences(self) -> RowDifferences:
        """Return the differing rows."""
        rounds = self._rounds_to_see()
        if rounds is not None:
            self._merge(rounds)
        if self._key and not self._matches:
            self._match_by_key()
        return RowDifferences(
            tuple(self._shown()),
            self._numbers["changed"],
            self._numbers["left"],
            self._numbers["right"],
            self._complete,
            self._one_sided,
        )

    def _rounds_to_see(self) -> int | None:
        """Return the first number of rounds after which the two sides differ, or None."""
        if len(self._sides) == 1:
            return 0
        for rounds in _ROUNDS:
            one, other = (side.digest(rounds) for side in self._sides)
            if one != other:
                return rounds
        return None

    def _merge(self, rounds: int) -> None:
        """Compare the rows of both sides in the order of their identities."""
        buckets = self._buckets(rounds)
        numbered = [
            side.stream(number, rounds, buckets)
            for number, side in zip(self._numbers_of_sides(), self._sides, strict=True)
        ]
        try:
            for _, rows in groupby(heapq.merge(*numbered), key=lambda row: row[0]):
                self._compare(rows)
        except EnoughRows:
            self._complete = False

    def _numbers_of_sides(self) -> list[int]:
        return [number for number in (0, 1) if number != self._missing]

    def _compare(self, rows: Iterable[tuple[int, int, int, int, str]]) -> None:
        """Note the rows of one identity that only one side has, or that differ."""
        ends: tuple[dict[int, tuple[int, str]], ...] = ({}, {})
        for _, side, digest, number, place in rows:
            ends[side][digest] = number, place
        remaining: list[list[tuple[int, str]]] = [[], []]
        for side, others in enumerate(reversed(ends)):
            for digest, (number, place) in ends[side].items():
                left_over = number - (others[digest][0] if digest in others else 0)
                if left_over > 0:
                    remaining[side].append((left_over, place))
        ours, theirs = remaining
        while ours and theirs:
            number = min(ours[-1][0], theirs[-1][0])
            self._note("changed", _Place(ours[-1][1], theirs[-1][1], number))
            for places in (ours, theirs):
                left_over, place = places.pop()
                if left_over > number:
                    places.append((left_over - number, place))
        for number, place in ours:
            self._note("left", _Place(place, None, number))
        for number, place in theirs:
            self._note("right", _Place(None, place, number))

    def _note(self, kind: str, place: _Place) -> None:
        self._numbers[kind] += place.number
        kept = self._kept[kind]
        kept.append(place)
        if len(kept) >= 2 * _KEPT:
            self._kept[kind] = heapq.nsmallest(_KEPT, kept, key=_in_table)

    def _buckets(self, rounds: int) -> list[int] | None:
        """Return the parts of a large table whose sums differ; None for all parts."""
        if max(side.count for side in self._sides) <= _FEW or len(self._sides) == 1:
            return None
        one, other = (side.sums(rounds) for side in self._sides)
        return [n for n in range(BUCKETS) if one.get(n) != other.get(n)]

    def _match_by_key(self) -> None:
        """Match the rows that only one side has by their generated key.

        The same number can be that of another row, so one more column must be equal.
        """
        single = {
            place.left or place.right
            for kind in ("left", "right")
            for place in self._kept[kind]
            if place.number == 1
        }
        columns = (*self._key, *(c for c in self._visible if c not in self._key))
        lefts, rights = (
            {
                tuple(row.values[column] for column in self._key): (place, row)
                for place, row in self._read(side, columns).items()
                if place in single
            }
            for side in (0, 1)
        )
        for key in lefts.keys() & rights.keys():
            (left, one), (right, other) = lefts[key], rights[key]
            similar = any(
                one.values[name] is not None and not self._differs(name, one, other)
                for name in columns[len(self._key) :]
            )
            if similar and CHANGING_VALUE not in key:
                self._kept["changed"].append(_Place(left, right, 1))
                self._kept["left"] = [p for p in self._kept["left"] if p.left != left]
                self._kept["right"] = [p for p in self._kept["right"] if p.right != right]
                for kind, more in (("changed", 1), ("left", -1), ("right", -1)):
                    self._numbers[kind] += more

    def _read(self, number: int, columns: Sequence[str] | None) -> dict[str, ValuesOfRow]:
        """Return the kept rows of a side, all of their columns or some, by their places."""
        pairs = (place for kind in self._kept.values() for place in kind)
        places = [place.left if number == 0 else place.right for place in pairs]
        side = self._side(number)
        return side.rows([place for place in places if place], columns) if side else {}

    def _side(self, number: int) -> TracedTable | None:
        numbers = self._numbers_of_sides()
        return self._sides[numbers.index(number)] if number in numbers else None

    def _shown(self) -> Iterator[RowDifference]:
        """Yield the rows to show, a fair share of each kind, those with the lowest keys first."""
        keys = [self._read(number, self._key) if self._key else {} for number in (0, 1)]

        def order(place: _Place) -> list[tuple[int, int, str]]:
            at = place.left or place.right or ""
            row = keys[0 if place.left else 1].get(at)
            texts = [row.values[column] or "" for column in self._key] if row else [at]
            return [part for text in texts for part in _natural(text)]

        shares = _shares([*map(len, self._kept.values())], SHOWN_ROWS)
        for (kind, places), share in zip(self._kept.items(), shares, strict=True):
            self._kept[kind] = sorted(places, key=order)[:share]
        rows = [self._read(number, None) for number in (0, 1)]
        for kind, kept in self._kept.items():
            for place in kept:
                yield self._difference(kind, place, rows)

    def _difference(
        self, kind: str, place: _Place, rows: list[dict[str, ValuesOfRow]]
    ) -> RowDifference:
        left = rows[0][place.left] if place.left else None
        right = rows[1][place.right] if place.right else None
        one = left or right
        assert one is not None  # noqa: S101 - a differing row has a place on one side
        key = tuple((column, one.values[column]) for column in self._key)
        compared = left and right
        values = tuple(
            AttributeDifference(
                name,
                left.values.get(name) if left else None,
                right.values.get(name) if right else None,
            )
            for name in one.values
            if name not in self._key or (left and right and not self._matches)
            if not (left and right) or self._differs(name, left, right)
        )
        return RowDifference(None if compared else kind, key, values, place.number)

    def _differs(self, name: str, left: ValuesOfRow, right: ValuesOfRow) -> bool:
        return name in self._visible and left.hashes[name] != right.hashes[name]


def _in_table(place: _Place) -> list[int]:
    """Return where a row is in its table: roughly in the order in which the rows were written."""
    return [int(digits) for digits in _DIGITS.findall(place.left or place.right or "")]


def _natural(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the parts of a text so that numbers are sorted by their values."""
    for number, part in enumerate(_DIGITS.split(text)):
        yield (0, int(part[:40]), part) if number % 2 else (1, 0, part)


def _shares(numbers: Sequence[int], room: int) -> list[int]:
    """Share a number of rows among kinds with these numbers of rows, as equally as possible."""
    shares = [0] * len(numbers)
    while room and shares != list(numbers):
        for n, number in enumerate(numbers):
            if room and shares[n] < number:
                shares[n], room = shares[n] + 1, room - 1
    return shares
