"""Estimates how long a server works on a table of a known size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.hazards.sizes import WorkKind

if TYPE_CHECKING:
    from pgbraid.model.hazards.sizes import Rates, TableSize

__all__ = ["seconds"]

_BYTES_OF_A_ROW = 100
"""The width that is assumed where only the rows or only the bytes of a table are known."""
_WRITTEN_FILES = 3
"""Those of a table with two indexes."""


def seconds(
    kind: WorkKind, size: TableSize | None, rates: Rates, *, indexes: int = 0
) -> float | None:
    """Return the estimated seconds of one kind of work on a table; None if its size is unknown.

    ``indexes`` is the number of indexes that the work builds or maintains: those of a rewritten or
    written table, or those that are built; a build has at least one.
    """
    rows, heap, toast = _known(size)
    if rows is None or heap is None:
        return None
    match kind:
        case WorkKind.REWRITE | WorkKind.MATVIEW_REFRESH:
            time = (heap + toast) / rates.rewrite + indexes * rows / rates.index
        case WorkKind.INDEX_BUILD | WorkKind.INDEX_REBUILD:
            time = max(indexes, 1) * rows / rates.index
        case WorkKind.SLOW_INDEX_BUILD:
            time = max(indexes, 1) * rows / rates.slow_index
        case WorkKind.SCAN:
            time = heap / rates.scan
        case WorkKind.FOREIGN_KEY_CHECK:
            time = heap / rates.scan + rows / rates.foreign_key
        case WorkKind.DELETE:
            time = rows / rates.delete
        case WorkKind.WRITE:
            # The rate was measured with two indexes; each further one is written, too.
            time = rows / rates.write * max(1.0, (1 + indexes) / _WRITTEN_FILES)
    return time


def _known(size: TableSize | None) -> tuple[int | None, int | None, int]:
    """Return rows, bytes of the heap and bytes of TOAST, each estimated by the other if unknown."""
    if size is None:
        return None, None, 0
    rows, heap = size.rows, size.bytes
    if heap is None and rows is not None:
        heap = rows * _BYTES_OF_A_ROW
    if rows is None and heap is not None:
        rows = heap // _BYTES_OF_A_ROW
    return rows, heap, size.toast_bytes or 0
