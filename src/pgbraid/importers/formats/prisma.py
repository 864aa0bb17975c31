"""Prisma Migrate: rows of runs; a migration is applied if a row has finished and was not undone.

Source: ``flavour/postgres.rs``, ``checksum.rs``. The checksum is the SHA-256 of the script; the
tool also accepts that of the script with other line ends, and old rows lack leading zeros.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import folders
from pgbraid.importers.formats.tool import (
    TIME,
    VARCHAR,
    History,
    Recorded,
    Tool,
    unfinished,
    version_of,
)

if TYPE_CHECKING:
    from pgbraid.importers.formats.tool import ForeignFile
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    applied: dict[str, Recorded] = {}
    failed: dict[str, None] = {}
    for row in table.records():
        name = row["migration_name"]
        if row.get("rolled_back_at") is not None:
            continue
        if row["finished_at"] is None:
            failed[name] = None
        else:
            applied[name] = Recorded(name, row["checksum"].zfill(64))
    failed = dict.fromkeys(name for name in failed if name not in applied)
    if failed:
        hint = "Run `prisma migrate resolve --applied NAME` or `--rolled-back NAME`."
        return tuple(unfinished(table, "Prisma", name, "did not finish", hint) for name in failed)
    return History(tuple(applied[name] for name in sorted(applied)))


def _checksums(source: ForeignFile) -> list[str]:
    lf = source.data.replace(b"\r\n", b"\n")
    texts = (source.data, lf, lf.replace(b"\n", b"\r\n"))
    return [hashlib.sha256(text).hexdigest() for text in texts]


TOOL = Tool(
    "Prisma",
    ("_prisma_migrations",),
    (("migration_name", VARCHAR), ("finished_at", TIME), ("checksum", VARCHAR)),
    "migration_name",
    nullable=("finished_at",),
    read=_read,
    files=folders(
        re.compile(r"([0-9]+)_(.*)", re.DOTALL),
        up="migration.sql",
        down="down.sql",
        key=lambda match: match[0],
        checksums=_checksums,
    ),
    more=("rolled_back_at",),
    order=lambda key: (version_of(key) or 0, key),
)
