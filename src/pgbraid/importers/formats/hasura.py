"""Hasura, configuration version 2: a table of its own schema, one row for each migration.

Source: ``cli/internal/statestore/migrations/hdbtable.go``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import folders
from pgbraid.importers.formats.tool import History, Recorded, Tool, number_of, unfinished

if TYPE_CHECKING:
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    dirty = [str(row["version"]) for row in table.records() if row["dirty"]]
    if dirty:
        hint = "Finish or undo that migration by hand, and clear `dirty` in its row."
        return tuple(unfinished(table, "Hasura", key, "did not complete", hint) for key in dirty)
    return History(tuple(Recorded(str(row["version"])) for row in table.records()))


TOOL = Tool(
    "Hasura",
    ("schema_migrations",),
    (("version", "bigint"), ("dirty", "boolean")),
    "version",
    read=_read,
    files=folders(re.compile(r"([0-9]+)_(.*)", re.DOTALL), key=lambda match: number_of(match[1])),
    schema="hdb_catalog",
    only_there=True,
    by_version=True,
)
