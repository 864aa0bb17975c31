"""Ecto: one row for each migration; its files are Elixir.

Source: ``lib/ecto/migration/schema_migration.ex``.
"""

from __future__ import annotations

from pgbraid.importers.formats.reading import read_all
from pgbraid.importers.formats.tool import TIME, Tool

__all__ = ["TOOL"]

TOOL = Tool(
    "Ecto",
    ("schema_migrations",),
    (("version", "bigint"), ("inserted_at", TIME)),
    "version",
    nullable=("inserted_at",),
    read=read_all("version"),
    by_version=True,
)
