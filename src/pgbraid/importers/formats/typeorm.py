"""TypeORM: one row for each class, with the time in its name; its files are TypeScript.

Source: ``MigrationExecutor.ts``.
"""

from __future__ import annotations

from pgbraid.importers.reading import read_all
from pgbraid.importers.tool import INTEGER, VARCHAR, Tool

__all__ = ["TOOL"]

TOOL = Tool(
    "TypeORM",
    ("migrations", "typeorm_migrations"),
    (("id", INTEGER), ("timestamp", "bigint"), ("name", VARCHAR)),
    "timestamp",
    read=read_all("timestamp"),
)
