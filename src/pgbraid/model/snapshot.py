"""A database's schema as a value, independent of oids and of the order of creation.

For each table of the system catalog, a snapshot holds the rows by the identity of their object.
Each difference between two snapshots has a facet, from the order of columns to the schema itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CHANGING_VALUE",
    "COLUMN_ORDER",
    "DATA",
    "DEFINITION",
    "ENUM_ORDER",
    "MASKED_VALUE",
    "SEQUENCES",
    "AttributeDifference",
    "CatalogRows",
    "Difference",
    "Facet",
    "Facts",
    "RowDifference",
    "RowDifferences",
    "Snapshot",
]

Facts: TypeAlias = "tuple[str | None, ...]"


DEFINITION = "definition"
"""The name of the attribute with an object's SQL, from the server's ``pg_get_…def`` functions."""

MASKED_VALUE = "********"
"""Stands for a value that may be a secret."""
CHANGING_VALUE = "<changing>"
"""Stands for a value that differs between two replays of one order."""


COLUMN_ORDER, ENUM_ORDER, DATA, SEQUENCES = (
    "column order",
    "enum order",
    "data",
    "sequence values",
)
"""The parts of a snapshot that are not tables of the catalog."""


class Facet(StrEnum):
    """The aspect in which two databases differ, the most serious first."""

    SCHEMA = "schema"
    DATA = DATA
    ENUM_ORDER = ENUM_ORDER
    COLUMN_ORDER = COLUMN_ORDER
    SEQUENCES = SEQUENCES
    """The current values of sequences, which affect only generated ids."""


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """One table of the catalog: its column names, and its rows by the identity of the object."""

    columns: tuple[str, ...]
    rows: Mapping[str, Facts]

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickle, which cannot handle a read-only mapping."""
        return _catalog_rows, (self.columns, dict(self.rows))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A database's schema as a value; snapshots of equal schemas are equal.

    ``parents`` maps a dependent object, such as a column, to the object it belongs to.
    ``not_compared`` lists, for messages, the values that were not read and the reason.
    """

    catalogs: Mapping[str, CatalogRows]
    parents: Mapping[str, str] = field(
        repr=False, compare=False, default_factory=lambda: MappingProxyType({})
    )
    not_compared: tuple[str, ...] = field(compare=False, default=())
    server: str = field(compare=False, default="")
    """The server's version, such as ``18.6``."""

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickle, which cannot handle a read-only mapping."""
        return _snapshot, (dict(self.catalogs), dict(self.parents), self.not_compared, self.server)


def _catalog_rows(columns: tuple[str, ...], rows: dict[str, Facts]) -> CatalogRows:
    return CatalogRows(columns, MappingProxyType(rows))


def _snapshot(
    catalogs: dict[str, CatalogRows],
    parents: dict[str, str],
    not_compared: tuple[str, ...],
    server: str,
) -> Snapshot:
    return Snapshot(MappingProxyType(catalogs), MappingProxyType(parents), not_compared, server)


@dataclass(frozen=True, slots=True)
class AttributeDifference:
    """One attribute that differs; a side is None if the value is NULL or the object is missing."""

    name: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row that only one side has, or a row that both sides have with other values.

    ``key`` has the columns by which the rows of both sides were matched, or the primary key; it is
    empty for a table without a key. ``values`` are the other columns of a row that only one side
    has, or the columns that differ; long values are cut, and secrets are ``MASKED_VALUE``. If both
    sides have the row and ``values`` is empty, the rows that it is linked with by a foreign key
    differ.
    """

    only: str | None
    """``left`` or ``right`` if only this side has the row."""
    key: tuple[tuple[str, str | None], ...]
    values: tuple[AttributeDifference, ...]
    number: int = 1
    """The number of equal rows that this one stands for."""


@dataclass(frozen=True, slots=True)
class RowDifferences:
    """The rows that differ between two sides of a table: up to 20 of them, and their numbers."""

    rows: tuple[RowDifference, ...] = ()
    changed: int = 0
    """The number of rows that both sides have with other values."""
    only_left: int = 0
    only_right: int = 0
    complete: bool = True
    """Whether all rows were compared; if not, the numbers are at least these."""
    columns: tuple[str, ...] = ()
    """The columns that only one side has; they are not compared."""

    @property
    def more(self) -> int:
        """The number of differing rows that are not in ``rows``."""
        shown = sum(row.number for row in self.rows)
        return max(self.changed + self.only_left + self.only_right - shown, 0)

    def turned(self) -> RowDifferences:
        """Return these differences with the sides exchanged."""
        sides = {"left": "right", "right": "left"}
        rows = tuple(
            replace(
                row,
                only=sides.get(row.only or ""),
                values=tuple(AttributeDifference(v.name, v.right, v.left) for v in row.values),
            )
            for row in self.rows
        )
        return replace(self, rows=rows, only_left=self.only_right, only_right=self.only_left)


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that differs between the two sides.

    ``only`` is ``left`` or ``right`` if the object exists on that side only. ``attributes`` are the
    ones that differ, or all attributes of an object that exists on one side only.
    """

    facet: Facet
    catalog: str
    name: str
    """The kind of object and its qualified name, such as ``view public.active``."""
    attributes: tuple[AttributeDifference, ...]
    only: str | None = None
    rows: RowDifferences | None = None
    """The rows that differ, if it is a difference of the rows of a table and they were read."""

    def side(self, side: str) -> str | None:
        """Return the object's SQL on the ``left`` or ``right`` side, or None."""
        for attribute in self.attributes:
            if attribute.name == DEFINITION:
                return attribute.left if side == "left" else attribute.right
        return None
