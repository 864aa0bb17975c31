"""Supabase CLI: one row for each migration, with its statements.

Source: ``pkg/migration/history.go``.
"""

from __future__ import annotations

import re

from pgbraid.importers.formats.reading import numbered, read_all
from pgbraid.importers.formats.tool import Tool

__all__ = ["TOOL"]

TOOL = Tool(
    "Supabase",
    ("schema_migrations",),
    (("version", "text"), ("statements", "text[]"), ("name", "text")),
    "version",
    nullable=("statements", "name"),
    read=read_all("version", name="name"),
    files=numbered(pattern=re.compile(r"([0-9]+)_(.*)\.sql", re.DOTALL)),
    beside=("seed_files",),
    schema="supabase_migrations",
    by_version=True,
    runs_as_it_is=True,
)
