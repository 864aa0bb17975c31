"""Adds up the sizes of tables from the statistics of the server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pgbraid.model.hazards.sizes import TableSize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Sampling", "TableStatistics", "table_sizes"]

_BYTES_OF_A_ROW = 100
"""The width that is assumed of rows in a table that was never analyzed."""
_BYTES_OF_A_CHUNK = 2048
"""A row of TOAST with the blocks that it takes: four of them fill a block of 8 kB."""
_NEVER_IS_MINUS_ONE_SINCE = 140000
"""The first version in which reltuples shows whether a table was ever vacuumed or analyzed."""
_GROWN = 3
"""How many times reltuples n_live_tup must be, to show that the table has grown since."""
_PARTITIONED = "p"


class TableStatistics(NamedTuple):
    """A row of the query ``table_statistics``."""

    oid: int
    schema: str
    name: str
    kind: str
    permanent: bool
    reltuples: float
    pages: int
    toast_pages: int
    toast_live: int
    index_pages: int
    live: int
    """n_live_tup: it counts rows that were written since the last VACUUM or ANALYZE, too."""
    reads: int
    writes: int
    analyzed: bool

    @property
    def label(self) -> str:
        """The name in the sizes file."""
        return f"{self.schema}.{self.name}"


class Sampling(NamedTuple):
    """How the statistics were taken; ``seconds`` is their age, None if it is too low for rates."""

    server_version: int
    block_size: int
    seconds: float | None


def table_sizes(
    tables: Iterable[TableStatistics], parents: Mapping[int, Iterable[int]], sampling: Sampling
) -> dict[str, TableSize]:
    """Return the size of each table, by name; a parent includes its partitions and children.

    ``parents`` has the oids of the parents of a table.
    """
    rows = {row.oid: row for row in tables}
    single = {oid: _own_size(row, sampling) for oid, row in rows.items()}
    descendants = _descendants(rows, parents)
    sizes: dict[str, TableSize] = {}
    for oid, row in sorted(rows.items()):
        names = sorted(rows[parent].label for parent in parents.get(oid, ()) if parent in rows)
        size = _sum(row, single[oid], [single[child] for child in sorted(descendants.get(oid, ()))])
        size = replace(size, part_of=names[0] if names else None)
        # Two names with dots can have one label; the larger table counts.
        sizes[row.label] = max(size, sizes.get(row.label, size), key=_extent)
    return sizes


def _extent(size: TableSize) -> tuple[bool, int]:
    return size.rows is None, size.bytes or 0


def _descendants(
    rows: Mapping[int, TableStatistics], parents: Mapping[int, Iterable[int]]
) -> dict[int, set[int]]:
    """Return the oids of all partitions and children of each table, at any depth."""
    result: dict[int, set[int]] = {}
    for oid in rows:
        waiting = list(parents.get(oid, ()))
        while waiting:
            parent = waiting.pop()
            below = result.setdefault(parent, set())
            if oid not in below:
                below.add(oid)
                waiting += parents.get(parent, ())
    return result


def _own_size(row: TableStatistics, sampling: Sampling) -> TableSize:
    seconds = sampling.seconds
    traffic = (
        (None, None) if not seconds else (float(row.reads) / seconds, float(row.writes) / seconds)
    )
    if row.kind == _PARTITIONED:  # it has no file, and its reltuples are those of its partitions
        return TableSize(None, 0, 0, 0, *traffic)
    rows = _row_count(row, sampling)
    if rows is None:
        return TableSize(None, None, None, None, *traffic)
    # The pages were counted together with reltuples; rows that came later need more of them.
    growth = max(rows / row.reltuples, 1.0) if row.reltuples > 0 else 1.0
    block = sampling.block_size
    heap = int(row.pages * block * growth) if row.pages else rows * _BYTES_OF_A_ROW
    indexes, toast = (int(pages * block * growth) for pages in (row.index_pages, row.toast_pages))
    # ANALYZE does not count the pages of TOAST; only VACUUM does.
    toast = toast or row.toast_live * _BYTES_OF_A_CHUNK
    return TableSize(rows, heap, indexes, toast, *traffic)


def _row_count(row: TableStatistics, sampling: Sampling) -> int | None:
    """Return the rows of a table; None if it was never analyzed and no row was ever seen.

    It may be empty, or as large as before pg_upgrade, which kept no statistics before 18.
    """
    always = sampling.server_version >= _NEVER_IS_MINUS_ONE_SINCE
    empty = row.reltuples == 0 and row.pages == 0 and (always or row.analyzed)
    if row.reltuples > 0 or empty:
        # A load and a VACUUM in one session can count the rows of the load twice in n_live_tup.
        return row.live if row.live > _GROWN * row.reltuples else int(row.reltuples)
    if row.live > 0:
        return row.live
    return row.pages * sampling.block_size // _BYTES_OF_A_ROW if row.pages else None


def _sum(row: TableStatistics, own: TableSize, parts: list[TableSize]) -> TableSize:
    """Return the size of a table with its partitions and children; unknown ones do not count."""
    if not parts:
        return replace(own, rows=0) if row.kind == _PARTITIONED else own
    every = [own, *parts]
    sized = [size for size in every if size.rows is not None]
    analyzed = int(row.reltuples) if row.kind == _PARTITIONED else 0
    reads, writes = (
        _total(size.reads_per_s for size in every),
        _total(size.writes_per_s for size in every),
    )
    if not sized:
        return TableSize(None, None, None, None, reads, writes)
    return TableSize(
        max(sum(size.rows or 0 for size in sized), analyzed),
        sum(size.bytes or 0 for size in sized),
        sum(size.index_bytes or 0 for size in sized),
        sum(size.toast_bytes or 0 for size in sized),
        reads,
        writes,
    )


def _total(rates: Iterable[float | None]) -> float | None:
    numbers = [rate for rate in rates if rate is not None]
    return sum(numbers) if numbers else None
