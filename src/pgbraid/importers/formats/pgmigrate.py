"""peterldowns/pgmigrate: one row for each file, by its name, with the MD5 of its text.

Source: ``migrator.go``.
"""

from __future__ import annotations

import hashlib
import re

from pgbraid.importers.formats.reading import numbered, read_all
from pgbraid.importers.formats.tool import TIME, Tool, version_of

__all__ = ["TOOL"]

TOOL = Tool(
    "peterldowns/pgmigrate",
    ("pgmigrate_migrations",),
    (("id", "text"), ("checksum", "text"), ("applied_at", TIME)),
    "id",
    read=read_all("id", "checksum"),
    files=numbered(
        lambda _, source: source.name.removesuffix(".sql"),
        pattern=re.compile(r"([0-9]+)[_-]*(.*)\.sql", re.DOTALL),
        checksums=lambda source: [hashlib.md5(source.data, usedforsecurity=False).hexdigest()],
    ),
    ids=("pgmigrate",),
    order=lambda key: (version_of(key) or 0, key),
)
