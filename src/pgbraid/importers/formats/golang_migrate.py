"""golang-migrate: one row with the highest version and a dirty flag.

Source: its ``database/pgx/v5`` driver, which creates ``schema_migrations(version bigint,
dirty boolean)`` and keeps at most one row in it, and ``source/parse.go``. Version -1 means that no
version is applied.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import up_and_down
from pgbraid.importers.formats.tool import Export, History, Tool
from pgbraid.model.migration import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ExportedMigration
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    rows = table.records()
    dirty = [row["version"] for row in rows if row["dirty"]]
    if dirty:
        return (_dirty(table.name, dirty[0]),)
    if len(rows) > 1 or any(row["version"] is None for row in rows):
        return (_several(table.name, len(rows)),)
    version = rows[0]["version"] if rows else -1
    return History(through=str(version)) if version >= 0 else History()


def _dirty(source: str, version: int) -> Problem:
    return Problem(
        "tracker_dirty",
        f"{source} is dirty at version {version}: golang-migrate stopped in the middle of it",
        detail="The table does not record how much of that migration was applied.",
        hint=f"Finish or undo migration {version} by hand, clear the flag with `migrate force "
        "VERSION` (the last version that is fully applied), then run `pgbraid up` again.",
        versions=(version,),
    )


def _several(source: str, count: int) -> Problem:
    return Problem(
        "tracker_ambiguous",
        f"{source} has {count} rows or no version; golang-migrate keeps one row with a version",
        hint="Keep only the row of the highest version that is fully applied, then run "
        "`pgbraid adopt`.",
    )


def _export(migrations: Sequence[ExportedMigration], _rows: int) -> Export:
    highest = max(migration.version for migration in migrations)
    return Export(
        ("CREATE TABLE {table} (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)",),
        ("version", "dirty"),
        ((highest, False),),
        replace=True,
        note="golang-migrate reads files with the names NNN_name.up.sql",
    )


# Hasura's table in the schema hdb_catalog has the same columns; it stands before this in the list.
TOOL = Tool(
    "golang-migrate",
    ("schema_migrations",),
    (("version", "bigint"), ("dirty", "boolean")),
    "version",
    read=_read,
    files=up_and_down(re.compile(r"([0-9]+)_(.*)\.(up|down)\.sql", re.DOTALL)),
    by_version=True,
    export=_export,
    automatic=True,
    runs_as_it_is=True,
)
