"""Tells values that move from values that stay: those in which two builds of one order differ.

A value of which only a part moves, such as a text with a time in it, is masked in that part.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fuzz.seeds.psql import Built, Table

__all__ = ["Cell", "Masked", "Moving", "masked", "masked_schema"]

_TOKEN = re.compile(r"[\w.:+-]+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Moving:
    """A piece of a value that moves, and what it was in one build."""

    value: str


Cell: TypeAlias = "tuple[str | Moving, ...] | None"
"""A value in pieces; None is NULL."""


@dataclass(slots=True)
class Masked:
    """The rows of a database by table, partitions under their root, in pieces."""

    rows: dict[str, list[dict[str, Cell]]] = field(default_factory=dict)
    moving: set[tuple[str, str]] = field(default_factory=set)
    """The columns with values that move."""
    unlike: list[str] = field(default_factory=list)
    """Tables with another number of rows in each build."""


def masked(one: Built, again: Built) -> Masked:
    """Return the rows of one build, with what another build of its order has otherwise masked."""
    found = Masked()
    ours, theirs = _whole(one), _whole(again)
    for name in sorted(ours.keys() | theirs.keys()):
        table, other = ours.get(name), theirs.get(name)
        if table is None or other is None or len(table.rows) != len(other.rows):
            found.unlike.append(name)
            continue
        rows = found.rows.setdefault(table.root, [])
        for left, right in _pairs(table, other):
            row = {column: _cell(left[column], right.get(column)) for column in table.columns}
            rows.append(row)
            found.moving |= {
                (table.root, column)
                for column, cell in row.items()
                if cell and any(isinstance(piece, Moving) for piece in cell)
            }
    return found


def _whole(built: Built) -> dict[str, Table]:
    """Return the tables, each partitioned one with the rows of its partitions."""
    roots = {n: replace(t, rows=list(t.rows)) for n, t in built.tables.items() if t.root == n}
    for table in built.tables.values():
        if table.root != table.name:
            roots[table.root].rows += table.rows
    return roots


def _pairs(
    table: Table, other: Table
) -> Iterator[tuple[dict[str, str | None], dict[str, str | None]]]:
    """Yield each row with its like: of the same values that stay, or else at the same place."""
    same = [
        column
        for column in table.columns
        if Counter(row[column] for row in table.rows)
        == Counter(row.get(column) for row in other.rows)
    ]

    def place(row: dict[str, str | None]) -> list[str]:
        return [repr(row.get(column)) for column in same]

    yield from zip(sorted(table.rows, key=place), sorted(other.rows, key=place), strict=True)


def _cell(one: str | None, other: str | None) -> Cell:
    if one is None:
        return None
    if one == other:
        return (one,)
    pieces, others = _TOKEN.findall(one), _TOKEN.findall(other or "")
    if len(pieces) != len(others):
        return (Moving(one),)
    return tuple(
        ours if ours == theirs else Moving(ours)
        for ours, theirs in zip(pieces, others, strict=True)
    )


def masked_schema(one: Built, again: Built) -> Counter[str]:
    """Return the statements of a dump with all masked that another build has otherwise."""
    left = sorted((one.schema - again.schema).elements())
    right = sorted((again.schema - one.schema).elements())
    kept = one.schema & again.schema
    if len(left) != len(right):
        return one.schema
    kept.update(_text(_cell(ours, theirs)) for ours, theirs in zip(left, right, strict=True))
    return kept


def _text(pieces: Iterable[str | Moving] | None) -> str:
    return "".join("~" if isinstance(piece, Moving) else piece for piece in pieces or ())
