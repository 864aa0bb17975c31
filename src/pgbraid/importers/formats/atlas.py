"""Atlas: one row for each file, with a hash over all files up to it.

Source: ``ent/schema/revision.go``, ``sql/migrate/dir.go``. The hash of a file is the Base64 of the
SHA-256 over the names and texts of all files up to it that were there when it ran, so a file that
is added in between changes the later hashes. A row with fewer applied than total statements is a
partial run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import in_time, numbered
from pgbraid.importers.formats.tool import NAME, History, Recorded, Tool, unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ForeignFile
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]

_BASELINE = 1
_FILE = re.compile(r"([0-9]+)(?:_(.*))?\.sql", re.DOTALL)


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    applied: list[Recorded] = []
    partial: list[str] = []
    baseline: str | None = None
    rows = sorted(table.records(), key=lambda row: row["version"])
    for row in in_time(rows, "executed_at"):
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


def _unchanged(sources: Sequence[ForeignFile], history: History) -> frozenset[str]:
    matches = [(match, source) for source in sources if (match := _FILE.fullmatch(source.name))]
    files = sorted((source.name, match[1].lstrip("0") or "0", source) for match, source in matches)
    result, done = set(), set()
    for recorded in history.applied:
        done.add(recorded.key)
        before = [key for _, key, _ in files[: 1 + _position(files, recorded.key)]]
        for present in (set(before), done):
            running = hashlib.sha256()
            for name, key, source in files:
                if key in present and key in before:
                    running.update(name.encode() + source.data)
            if base64.b64encode(running.digest()).decode() == recorded.checksum:
                result.add(recorded.key)
    return frozenset(result)


def _position(files: Sequence[tuple[str, str, ForeignFile]], key: str) -> int:
    return next((at for at, file in enumerate(files) if file[1] == key), -1)


TOOL = Tool(
    "Atlas",
    ("atlas_schema_revisions",),
    (
        *(("version", NAME), ("description", NAME), ("applied", "bigint")),
        *(("total", "bigint"), ("hash", NAME)),
    ),
    "version",
    read=_read,
    files=numbered(pattern=_FILE),
    schema="atlas_schema_revisions",
    more=("type", "error", "executed_at"),
    unchanged=_unchanged,
    runs_as_it_is=True,
)
