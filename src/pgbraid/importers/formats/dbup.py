"""DbUp: one row for each script, by its name, which may be that of a resource in an assembly.

Source: ``PostgresqlTableJournal.cs``.
"""

from __future__ import annotations

import re

from pgbraid.importers.formats.reading import numbered, read_all
from pgbraid.importers.formats.tool import TIME, VARCHAR, Tool

__all__ = ["TOOL"]

TOOL = Tool(
    "DbUp",
    ("schemaversions",),
    (("scriptname", VARCHAR), ("applied", TIME)),
    "scriptname",
    read=read_all("scriptname"),
    files=numbered(
        lambda _, source: source.name, pattern=re.compile(r"\D*?([0-9]+)[ _-]*(.*)\.sql", re.DOTALL)
    ),
    order=str,
)
