"""sqlx: one row for each migration, with the SHA-384 of its file.

Source: ``sqlx-postgres/src/migrate.rs``, ``sqlx-core/src/migrate``. The description is the file's
name with spaces instead of underscores.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import up_and_down
from pgbraid.importers.formats.tool import History, Recorded, Tool, unfinished

if TYPE_CHECKING:
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    rows = table.records()
    failed = [str(row["version"]) for row in rows if not row["success"]]
    if failed:
        hint = "Finish that migration by hand and set `success` in its row, or delete the row."
        return tuple(unfinished(table, "sqlx", key, "did not complete", hint) for key in failed)
    return History(
        tuple(
            Recorded(str(row["version"]), bytes(row["checksum"]).hex(), row["description"])
            for row in rows
        )
    )


TOOL = Tool(
    "sqlx",
    ("_sqlx_migrations",),
    (
        *(("version", "bigint"), ("description", "text"), ("success", "boolean")),
        ("checksum", "bytea"),
    ),
    "version",
    read=_read,
    files=up_and_down(
        re.compile(r"([0-9]+)_(.*?)(\.up|\.down)?\.sql", re.DOTALL),
        checksums=lambda source: [hashlib.sha384(source.data).hexdigest()],
    ),
)
