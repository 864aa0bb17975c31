"""node-pg-migrate: one row for each file, by its name without the ending.

Source: ``src/{runner,migration}.ts``. Its SQL files may have an up and a down section.
"""

from __future__ import annotations

import re

from pgbraid.importers.formats.reading import numbered, read_all
from pgbraid.importers.formats.tool import TIME, VARCHAR, Tool, version_of

__all__ = ["TOOL"]

TOOL = Tool(
    "node-pg-migrate",
    ("pgmigrations",),
    (("name", VARCHAR), ("run_on", TIME)),
    "name",
    read=read_all("name"),
    files=numbered(
        lambda _, source: source.name.removesuffix(".sql"),
        pattern=re.compile(r"([0-9]+)[_-](.*)\.sql", re.DOTALL),
        sections=True,
    ),
    order=lambda key: (version_of(key) or 0, key),
    runs_as_it_is=True,
)
