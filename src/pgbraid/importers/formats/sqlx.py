"""sqlx: one row for each migration, with the SHA-384 of its file.

Source: ``sqlx-postgres/src/migrate.rs``, ``sqlx-core/src/migrate``. The description is the file's
name with spaces instead of underscores.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import up_and_down
from pgbraid.importers.formats.tool import Export, History, Recorded, Tool, unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ExportedMigration
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    rows = table.records()
    failed = [str(row["version"]) for row in rows if not row["success"]]
    if failed:
        hint = "Finish that migration by hand and set `success` in its row, or delete the row."
        return tuple(unfinished(table, "sqlx", key, "did not complete", hint) for key in failed)
    return History(
        tuple(
            Recorded(str(row["version"]), bytes(row["checksum"]).hex(), row["description"])
            for row in rows
        )
    )


def _export(migrations: Sequence[ExportedMigration], _rows: int) -> Export:
    return Export(
        (
            (
                "CREATE TABLE {table} (version bigint PRIMARY KEY, description text NOT NULL,"
                " installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL,"
                " checksum bytea NOT NULL, execution_time bigint NOT NULL)"
            ),
        ),
        ("version", "description", "success", "checksum", "execution_time"),
        tuple(
            (m.version, m.name.replace("_", " "), True, hashlib.sha384(m.data).digest(), 0)
            for m in migrations
        ),
        note="sqlx compares the SHA-384 of the files, so they must stay as they are",
    )


TOOL = Tool(
    "sqlx",
    ("_sqlx_migrations",),
    (
        *(("version", "bigint"), ("description", "text"), ("success", "boolean")),
        ("checksum", "bytea"),
    ),
    "version",
    read=_read,
    export=_export,
    files=up_and_down(
        re.compile(r"([0-9]+)_(.*?)(\.up|\.down)?\.sql", re.DOTALL),
        checksums=lambda source: [hashlib.sha384(source.data).hexdigest()],
    ),
    runs_as_it_is=True,
)
