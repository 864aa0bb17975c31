"""Alembic: one row for each head of a graph of revisions; its files are Python.

Source: ``alembic/ddl/impl.py``, ``alembic/script``. A head stands for all revisions that precede
it. The graph is in ``pgbraid.origin.json`` after a conversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import VARCHAR, History, Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History:
    return History(heads=tuple(row["version_num"] for row in table.records()))


TOOL = Tool(
    "Alembic",
    ("alembic_version",),
    (("version_num", VARCHAR),),
    "version_num",
    read=_read,
    program="alembic.py.txt",
    order=str,
)
