"""Atlas: one row for each file, with a hash over all files up to it.

Source: ``ent/schema/revision.go``, ``sql/migrate/dir.go``. The hash of a file is the Base64 of the
SHA-256 over the names and texts of all files so far, so a file that is added in between changes the
hashes of the later ones. A row with fewer applied than total statements is a partial run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.importers.reading import numbered
from pgbraid.importers.tool import NAME, History, Recorded, Tool, unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.tool import ForeignMigration, ForeignFile
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]

_BASELINE = 1
_numbered = numbered(pattern=re.compile(r"([0-9]+)(?:_(.*))?\.sql", re.DOTALL))


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    applied: list[Recorded] = []
    partial: list[str] = []
    baseline: str | None = None
    for row in sorted(table.records(), key=lambda row: row["version"]):
        version = row["version"]
        if version.startswith("."):  # the identity of Atlas' cloud
            continue
        if row.get("error") or row["applied"] < row["total"]:
            partial.append(version)
        elif (row.get("type") or 0) & _BASELINE:
            baseline = version
        else:
            applied.append(Recorded(version.lstrip("0") or "0", row["hash"] or None))
    if partial:
        hint = "Run `atlas migrate apply` until it succeeds, or undo the file by hand."
        return tuple(unfinished(table, "Atlas", key, "did not complete", hint) for key in partial)
    return History(tuple(applied), through=baseline, needs_file=False)


def _files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
    by_path = {source.path: source for source in sources}
    running = hashlib.sha256()
    result = []
    for migration in sorted(_numbered(sources), key=lambda migration: migration.path):
        source = by_path[migration.path]
        running.update(source.name.encode() + source.data)
        hashed = base64.b64encode(running.digest()).decode()
        result.append(replace(migration, checksums=frozenset({hashed})))
    return tuple(result)


TOOL = Tool(
    "Atlas",
    ("atlas_schema_revisions",),
    (
        *(("version", NAME), ("description", NAME), ("applied", "bigint")),
        *(("total", "bigint"), ("hash", NAME)),
    ),
    "version",
    read=_read,
    files=_files,
    schema="atlas_schema_revisions",
    more=("type", "error"),
)
