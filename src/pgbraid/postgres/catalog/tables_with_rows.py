"""Describes the tables that hold rows: the facts that a comparison of the rows needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Column", "ForeignKey", "RowTable", "row_tables"]

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ENTRIES = 2  # the depth of the target list's entries in the tree of a query
# The field resjunk is true for columns that the query needs but does not return.
_ENTRY = re.compile(
    r":resno (?P<number>\d+) .*:resorigtbl (?P<table>\d+) :resorigcol (?P<column>-?\d+)"
    r" :resjunk false$",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and the source of its values.

    If ``identifies``, the server generates the value to identify the row. ``sequences`` are the
    sequences that the values are drawn from. ``made_of`` are the columns that a stored generated
    column is computed from.
    """

    name: str
    identifies: bool
    sequences: tuple[str, ...]
    made_of: frozenset[str]
    type: str
    built_in: bool
    """Whether the server defines the type, so that no migration can change its output."""
    number: int
    """The attnum, which no other column of the table ever gets."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to a row, in another table or the same one, by its columns."""

    columns: tuple[str, ...]
    table: str
    """The oid of the referenced table."""
    referred: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowTable:
    """A table or a materialized view that has or had rows.

    ``name`` is qualified and quoted. ``origins`` has the columns that a view shows unchanged: by
    the number of the view's column, the oid of the table and the number of its column.
    """

    oid: str
    name: str
    kind: str
    partitioned: bool
    """Whether the rows are in its partitions."""
    oids: tuple[str, ...]
    """The oids of the table, or of all tables of its partition tree."""
    readable: bool
    filtered: bool
    """Whether row security hides rows from the reading role."""
    bytes: int
    columns: tuple[Column, ...]
    keys: tuple[ForeignKey, ...]
    origins: Mapping[int, tuple[str, int]]

    @property
    def label(self) -> str:
        """The name of its rows in a snapshot."""
        return f"rows of {self.kind} {self.name}"

    @property
    def is_read(self) -> bool:
        """Whether all of its rows can be read."""
        return self.readable and not self.filtered

    @property
    def source(self) -> str:
        """The FROM item that selects its rows."""
        return self.name if self.partitioned else f"ONLY {self.name}"

    @property
    def shape(self) -> tuple[object, ...] | None:
        """The identity of the table and its columns; None if a type's output may change."""
        if not all(column.built_in for column in self.columns):
            return None
        # Oids and numbers, because a migration can swap the names of two tables or columns.
        columns = ((column.name, column.type, column.number) for column in self.columns)
        return (self.oids, *columns)


def row_tables(listed: Iterable[dict[str, Any]], ours: Iterable[str]) -> tuple[RowTable, ...]:
    """Return the tables that the query ``tables`` listed, except the tables named in ``ours``."""
    left_out = set(ours)
    return tuple(
        RowTable(
            facts["oid"],
            facts["name"],
            facts["kind"],
            facts["partitioned"],
            tuple(facts["oids"]),
            facts["readable"],
            facts["filtered"],
            facts["bytes"],
            tuple(
                Column(
                    name, identifies, tuple(sequences), frozenset(made_of or ()), kind, own, number
                )
                for name, identifies, sequences, made_of, kind, own, number in facts["columns"]
                or ()
            ),
            tuple(
                ForeignKey(tuple(columns), table, tuple(referred))
                for columns, table, referred in facts["keys"] or ()
            ),
            MappingProxyType(dict(_origins(facts["query"] or ""))),
        )
        for facts in listed
        if facts["name"].replace('"', "") not in left_out
    )


def _origins(query: str) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield the origin of each output column of a query, from the query's node tree.

    The tree is a text in which each node, with its fields and child nodes, is in braces. The
    entries of the target list of the outermost query are the nodes at the second level.
    """
    depth, start = 0, 0
    for brace in _BRACE.finditer(query):
        if brace[0] == "{":
            depth += 1
        elif brace[0] != "}":
            continue
        else:
            entry = _ENTRY.search(query, start, brace.start()) if depth == _ENTRIES else None
            if entry and entry["table"] != "0":
                yield int(entry["number"]), (entry["table"], int(entry["column"]))
            depth -= 1
        start = brace.end()
