"""Knex: one row for each file, by its name; its files are JavaScript.

Source: ``lib/migrations/migrate/table-creator.js``.
"""

from __future__ import annotations

from pgbraid.importers.formats.reading import read_all
from pgbraid.importers.formats.tool import TIME, VARCHAR, Tool

__all__ = ["TOOL"]

TOOL = Tool(
    "Knex",
    ("knex_migrations",),
    (("name", VARCHAR), ("batch", "integer"), ("migration_time", TIME)),
    "name",
    nullable=("batch", "migration_time"),
    read=read_all("name"),
    beside=("knex_migrations_lock",),
    lock=("knex_migrations_lock", "is_locked"),
)
