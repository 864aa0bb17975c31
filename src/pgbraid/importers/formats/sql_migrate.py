"""sql-migrate: one row for each file, by its name.

Source: ``migrate.go``, ``sqlparse/sqlparse.go``. Files are ordered by the number at their start,
then by name, so two files may have one number.
"""

from __future__ import annotations

import re

from pgbraid.importers.formats.reading import numbered, read_all
from pgbraid.importers.formats.tool import NAME, TIME, Tool, version_of

__all__ = ["TOOL"]

TOOL = Tool(
    "sql-migrate",
    ("gorp_migrations",),
    (("id", NAME), ("applied_at", TIME)),
    "id",
    nullable=("applied_at",),
    read=read_all("id"),
    files=numbered(
        lambda _, source: source.name,
        pattern=re.compile(r"([0-9]+)[_-]*(.*)\.sql", re.DOTALL),
        sections=True,
    ),
    order=lambda key: (version_of(key) or 0, key),
)
