"""Drizzle: one row for each migration, with its time in the journal and the hash of its text.

Source: ``pg-core/dialect.ts``, ``migrator.ts``. The tool itself compares only the highest time. The
hash is the SHA-256 of the file; on Windows the file may have had other line ends. Version 1 has a
folder for each migration instead of a journal, and the folder's name in the table.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from pgbraid.importers.formats.reading import folders, numbered, text_name
from pgbraid.importers.formats.tool import ForeignMigration, History, Recorded, Tool
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Location, Problem
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ForeignFile
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
    by_path = {source.path: source for source in sources}
    result: list[ForeignMigration] = []
    for journal in (source for source in sources if source.path.endswith("meta/_journal.json")):
        parent = journal.path.removesuffix("meta/_journal.json")
        for entry in _entries(journal):
            source = by_path.get(f"{parent}{entry['tag']}.sql")
            if source is None:
                raise _bad(journal, f"{entry['tag']}.sql is in the journal, but not in the folder")
            digits, _, name = str(entry["tag"]).partition("_")
            result.append(
                ForeignMigration(
                    key=str(entry["when"]),
                    path=source.path,
                    digits=digits if digits.isdigit() else "",
                    name=text_name(name or digits),
                    up=source.text,
                    no_transaction=directives_of(source.text).no_transaction,
                    checksums=frozenset(_hashes(source.data)),
                )
            )
    return tuple(result) or _folders(sources) or _numbered(sources)


def _hashes(data: bytes) -> list[str]:
    lf = data.replace(b"\r\n", b"\n")
    texts = (data, lf, lf.replace(b"\n", b"\r\n"))
    return [hashlib.sha256(text).hexdigest() for text in texts]


_numbered = numbered(
    pattern=re.compile(r"([0-9]+)_(.*)\.sql", re.DOTALL),
    checksums=lambda source: _hashes(source.data),
)
"""Reads the files without the journal; they are found by their hashes."""
_folders = folders(
    re.compile(r"([0-9]{14})_(.*)", re.DOTALL),
    up="migration.sql",
    key=lambda match: match[0],
    checksums=lambda source: _hashes(source.data),
)


def _read(table: TrackerTable) -> History:
    rows = sorted(table.records(), key=lambda row: row["created_at"] or 0)
    return History(
        tuple(Recorded(row.get("name") or str(row["created_at"]), row["hash"]) for row in rows)
    )


def _entries(journal: ForeignFile) -> list[dict[str, Any]]:
    try:
        entries = json.loads(journal.text)["entries"]
        return sorted(
            entries, key=lambda entry: (int(entry["idx"]), str(entry["tag"]), entry["when"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _bad(journal, f"the journal of Drizzle cannot be read: {error}") from None


def _bad(journal: ForeignFile, message: str) -> ProblemsFound:
    problem = Problem("tracker_file_unreadable", message, location=Location(journal.path))
    return ProblemsFound((problem,))


TOOL = Tool(
    "Drizzle",
    ("__drizzle_migrations",),
    (("hash", "text"), ("created_at", "bigint")),
    "hash",
    nullable=("created_at",),
    read=_read,
    files=_files,
    schema="drizzle",
    more=("name",),
    order=str,
    runs_as_it_is=True,
)
