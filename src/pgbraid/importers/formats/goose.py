"""goose: a log of runs. A version is applied if its newest row says so.

Source: ``internal/dialects/postgres.go``, ``migrate.go``. Older versions of goose append a row with
``is_applied = false`` when they go down, newer ones delete the row. Version 0 is written first and
stands for no migration.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import numbered
from pgbraid.importers.formats.tool import INTEGER, History, Recorded, Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History:
    newest: dict[int, bool] = {}
    for row in sorted(table.records(), key=lambda row: row["id"]):
        newest[row["version_id"]] = row["is_applied"]
    applied = sorted(version for version, is_applied in newest.items() if is_applied and version)
    return History(tuple(Recorded(str(version)) for version in applied))


TOOL = Tool(
    "goose",
    ("goose_db_version",),
    (("id", INTEGER), ("version_id", "bigint"), ("is_applied", "boolean")),
    "version_id",
    read=_read,
    files=numbered(pattern=re.compile(r"([0-9]+)_(.*)\.sql", re.DOTALL), sections=True),
    has_initial_row=True,
    by_version=True,
)
