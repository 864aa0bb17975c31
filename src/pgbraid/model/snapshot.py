"""Everything a schema is, as a value without oids and without the order of creation.

A snapshot holds, for each table of the system catalog, its rows by the identity of what they are
about; what differs between two of them is graded, from the order of columns to the schema itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COLUMN_ORDER",
    "DATA",
    "DEFINITION",
    "ENUM_ORDER",
    "SEQUENCES",
    "AttributeDifference",
    "CatalogRows",
    "Difference",
    "Facet",
    "Facts",
    "Snapshot",
]

Facts: TypeAlias = "tuple[str | None, ...]"


DEFINITION = "definition"
"""The fact that is an object's SQL, by the server's own ``pg_get_…def``."""


COLUMN_ORDER, ENUM_ORDER, DATA, SEQUENCES = (
    "column order",
    "enum order",
    "data",
    "sequence values",
)
"""The parts of a snapshot that are no table of the catalog."""


class Facet(StrEnum):
    """What a difference is about, the gravest first."""

    SCHEMA = "schema"
    DATA = DATA
    ENUM_ORDER = ENUM_ORDER
    COLUMN_ORDER = COLUMN_ORDER
    SEQUENCES = SEQUENCES
    """The values that sequences stand at, which nothing but ids comes from."""


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """One table of the catalog: the names of its facts, and the facts by identity."""

    columns: tuple[str, ...]
    rows: Mapping[str, Facts]

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process, which a read-only mapping cannot do by itself."""
        return _part, (self.columns, dict(self.rows))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A database's schema as a value; two are equal where the schemas are.

    ``parents`` says of what is a part of something else what that is. ``not_compared`` names what
    was not compared, and why, for a person to read.
    """

    catalogs: Mapping[str, CatalogRows]
    parents: Mapping[str, str] = field(
        repr=False, compare=False, default_factory=lambda: MappingProxyType({})
    )
    not_compared: tuple[str, ...] = field(compare=False, default=())
    server: str = field(compare=False, default="")
    """The server's version, such as ``18.6``."""

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process, as a part does."""
        return _snapshot, (dict(self.catalogs), dict(self.parents), self.not_compared, self.server)


def _part(columns: tuple[str, ...], rows: dict[str, Facts]) -> CatalogRows:
    return CatalogRows(columns, MappingProxyType(rows))


def _snapshot(
    parts: dict[str, CatalogRows], parents: dict[str, str], left_out: tuple[str, ...], server: str
) -> Snapshot:
    return Snapshot(MappingProxyType(parts), MappingProxyType(parents), left_out, server)


@dataclass(frozen=True, slots=True)
class AttributeDifference:
    """One fact that differs; None where it is NULL or there is no such object."""

    name: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not the same on both sides.

    ``only`` is ``left`` or ``right`` where the other side has no such object; ``attributes`` are
    those that differ, or all of an object that is on one side only.
    """

    facet: Facet
    catalog: str
    name: str
    """The kind of object and its qualified name, such as ``view public.active``."""
    attributes: tuple[AttributeDifference, ...]
    only: str | None = None

    def side(self, side: str) -> str | None:
        """Return the definition on the ``left`` or ``right`` side, where there is one."""
        for fact in self.attributes:
            if fact.name == DEFINITION:
                return fact.left if side == "left" else fact.right
        return None
