"""The tables that hold rows, as far as comparing the rows needs to know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Column", "ForeignKey", "RowTable", "row_tables"]


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

    ``name`` is qualified and quoted. ``made_of`` are the columns that a view is made of, each with
    the oid of its table.
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
    made_of: frozenset[tuple[str, str]]

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
            frozenset((table, column) for table, column in facts["made_of"] or ()),
        )
        for facts in found
        if facts["name"].replace('"', "") not in left_out
    )
