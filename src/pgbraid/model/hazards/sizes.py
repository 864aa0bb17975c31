"""The sizes and the traffic of the tables of a production database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["DEFAULT_RATES", "Rates", "Sizes", "TableSize", "WorkKind", "Workload"]


class WorkKind(StrEnum):
    """A kind of work whose time depends on the size of a table."""

    REWRITE = "rewrite"
    """The file of the table, and those of its indexes, are written again."""
    INDEX_BUILD = "index-build"
    SLOW_INDEX_BUILD = "slow-index-build"
    """The build of a GIN, GiST or SP-GiST index, which does not sort its rows first."""
    INDEX_REBUILD = "index-rebuild"
    SCAN = "scan"
    FOREIGN_KEY_CHECK = "foreign-key-check"
    WRITE = "write"
    """INSERT, UPDATE or MERGE of every row; DELETE if a foreign key references the table."""
    DELETE = "delete"
    """DELETE of every row of a table that no foreign key references: no row is written again."""
    MATVIEW_REFRESH = "matview-refresh"


@dataclass(frozen=True, slots=True)
class TableSize:
    """The size of one table, materialized view or partitioned table, from the statistics.

    A table with partitions or child tables has the sums of all of them. ``bytes`` is the heap,
    ``index_bytes`` its indexes, ``toast_bytes`` its TOAST table. A value is None if the server has
    not estimated it.
    """

    rows: int | None
    bytes: int | None
    index_bytes: int | None = None
    toast_bytes: int | None = None
    reads_per_s: float | None = None
    """Scans of the table and of its indexes, by second, since the statistics were reset: a
    statement that joins counts more than once."""
    writes_per_s: float | None = None
    """Rows written to the table, by second."""
    part_of: str | None = None
    """The table whose partition or child it is: that one includes this one's numbers."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a production database, by ``schema.table`` without quotes.

    ``label`` says where they come from, for messages. ``published`` are the tables of logical
    replication, ``standbys`` the number of its standby servers.
    """

    tables: Mapping[str, TableSize]
    label: str
    taken_at: datetime | None = None
    server_version: str | None = None
    timezone: str | None = None
    stats_since: datetime | None = None
    standbys: int = 0
    published: frozenset[str] = frozenset()

    def get(self, table: str) -> TableSize | None:
        """Return the size of a table, or None if it is not known."""
        return self.tables.get(table)


@dataclass(frozen=True, slots=True)
class Workload:
    """The most frequent statements of a database, by the number of calls.

    ``unreadable`` says why there are none, ``left_out`` counts those that are not usable.
    """

    queries: tuple[str, ...] = ()
    unreadable: str | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast a server works; the defaults are low on purpose.

    ``make bench-hazards`` compares them with the clock (docs/hazards-rates.md).
    """

    rewrite: float = 150e6
    """Bytes of the heap that a rewrite copies in a second."""
    scan: float = 650e6
    """Bytes of the heap that are read in a second."""
    index: float = 1.2e6
    """Rows that a build of a B-tree index takes in a second."""
    slow_index: float = 150e3
    """Rows that a build of a GIN, GiST or SP-GiST index takes in a second."""
    foreign_key: float = 2.5e6
    """Rows that the check of a foreign key compares in a second, beside the scan."""
    write: float = 60e3
    """Rows that UPDATE, INSERT and MERGE write in a second."""
    delete: float = 1.2e6
    """Rows that DELETE removes in a second, without foreign keys that reference them."""


DEFAULT_RATES = Rates()
