"""Yandex pgmigrate: one row for each migration; a row of type ``manual`` is a baseline.

Source: ``pgmigrate.py``. A baseline deletes the rows below it and stands for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import numbered
from pgbraid.importers.formats.tool import History, Recorded, Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History:
    rows = sorted(table.records(), key=lambda row: row["version"])
    manual = [row["version"] for row in rows if row.get("type") == "manual"]
    return History(
        tuple(Recorded(str(row["version"])) for row in rows if row.get("type") != "manual"),
        through=str(max(manual)) if manual and max(manual) > 0 else None,
        needs_file=False,
    )


TOOL = Tool(
    "Yandex pgmigrate",
    ("schema_version",),
    (("version", "bigint"), ("description", "text"), ("installed_by", "text")),
    "version",
    read=_read,
    files=numbered(pattern=re.compile(r"V([0-9]+)__(.+)\.sql", re.DOTALL)),
    ids=("yandex-pgmigrate",),
    beside=("schema_version_type",),
    more=("type",),
)
