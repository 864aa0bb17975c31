"""dbmate, and Rails, whose table has the same column: one row for each migration.

Sources: dbmate ``pkg/driver/postgres``, ``pkg/dbmate/migration.go``; Active Record
``schema_migration.rb``. Leading zeros of a version are kept in the table.
"""

from __future__ import annotations

import re

from pgbraid.importers.formats.reading import numbered, read_all
from pgbraid.importers.formats.tool import NAME, Tool

__all__ = ["TOOL"]

TOOL = Tool(
    "dbmate or Rails",
    ("schema_migrations",),
    (("version", NAME),),
    "version",
    read=read_all("version"),
    files=numbered(pattern=re.compile(r"([0-9]+)_?(.*)\.sql", re.DOTALL), sections=True),
    ids=("dbmate", "rails"),
    beside=("ar_internal_metadata",),
    exact=True,
    by_version=True,
)
