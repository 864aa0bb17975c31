"""TypeORM: one row for each class, with the time in its name; its files are TypeScript.

Source: ``MigrationExecutor.ts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import INTEGER, VARCHAR, History, Recorded, Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History:
    rows = sorted(table.records(), key=lambda row: row["timestamp"])
    # The name of a class ends with the time.
    return History(
        tuple(
            Recorded(str(row["timestamp"]), name=row["name"].rstrip("0123456789")) for row in rows
        )
    )


TOOL = Tool(
    "TypeORM",
    ("migrations", "typeorm_migrations"),
    (("id", INTEGER), ("timestamp", "bigint"), ("name", VARCHAR)),
    "timestamp",
    read=_read,
)
