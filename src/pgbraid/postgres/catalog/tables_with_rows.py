"""The tables that hold rows, as far as comparing the rows needs to know them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Column", "ForeignKey", "RowTable", "row_tables"]

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ENTRIES = 2
_ENTRY = re.compile(
    r":resno (?P<number>\d+) .*:resorigtbl (?P<table>\d+) :resorigcol (?P<column>-?\d+)"
    r" :resjunk false$",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and where its values come from.

    ``identifies`` says that the server generates its value to identify the row. ``sequences`` are
    those that it draws from; ``made_of`` are the columns that a stored generated one is made of.
    """

    name: str
    identifies: bool
    sequences: tuple[str, ...]
    made_of: frozenset[str]
    type: str
    built_in: bool
    """Whether the type is the server's own, whose text no migration can change."""
    number: int
    """Its place in the table, which no other column takes when it is renamed or dropped."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to a row of another table, or of the same one, by its columns."""

    columns: tuple[str, ...]
    table: str
    """The oid of the table that is referred to."""
    referred: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowTable:
    """A table or a materialized view that holds rows, or held some.

    ``name`` is qualified and quoted. ``origins`` are the columns that a view shows as they are: by
    the number of the view's column, the oid of the table and the number of its column.
    """

    oid: str
    name: str
    kind: str
    partitioned: bool
    """Whether its rows are those of its partitions."""
    oids: tuple[str, ...]
    """Its own, or those of all tables that are read with it."""
    readable: bool
    filtered: bool
    """Whether row security hides rows from the role that reads."""
    bytes: int
    columns: tuple[Column, ...]
    keys: tuple[ForeignKey, ...]
    origins: Mapping[int, tuple[str, int]]

    @property
    def label(self) -> str:
        """What its rows are called in a snapshot."""
        return f"rows of {self.kind} {self.name}"

    @property
    def is_read(self) -> bool:
        """Whether all of its rows can be read."""
        return self.readable and not self.filtered

    @property
    def source(self) -> str:
        """What its rows are selected from."""
        return self.name if self.partitioned else f"ONLY {self.name}"

    @property
    def shape(self) -> tuple[object, ...] | None:
        """Which tables and columns these are; None where a type's text may change by itself.

        Names alone do not tell: two tables, or two columns, can have swapped theirs.
        """
        if not all(column.built_in for column in self.columns):
            return None
        columns = ((column.name, column.type, column.number) for column in self.columns)
        return (self.oids, *columns)


def row_tables(found: Iterable[dict[str, Any]], ours: Iterable[str]) -> tuple[RowTable, ...]:
    """Return the tables of an answer of the catalog, except those named in ``ours``."""
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
        for facts in found
        if facts["name"].replace('"', "") not in left_out
    )


def _origins(query: str) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield where the columns of a query come from, as the server notes it in the query's tree.

    The tree is the text of a node: each stands in braces, with its fields and the nodes in it. Of
    the outermost query, the entries of the list of columns are the nodes at the second level.
    """
    depth, behind = 0, 0
    for found in _BRACE.finditer(query):
        if found[0] == "{":
            depth += 1
        elif found[0] != "}":
            continue
        else:
            entry = _ENTRY.search(query, behind, found.start()) if depth == _ENTRIES else None
            if entry and entry["table"] != "0":
                yield int(entry["number"]), (entry["table"], int(entry["column"]))
            depth -= 1
        behind = found.end()
