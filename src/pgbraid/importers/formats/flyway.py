"""Flyway: one row for each run of a script, with a CRC32 of its lines.

Sources: ``PostgreSQLDatabase.java`` (the table), ``ChecksumCalculator.java``, ``BomFilter.java``.
Rows of undo scripts and of ``repair`` cancel earlier rows. A baseline row stands for all versions
up to its own. Repeatable migrations have no version; their key here is their file's name.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import text_name
from pgbraid.importers.formats.tool import (
    VARCHAR,
    Export,
    ForeignFile,
    ForeignMigration,
    History,
    Recorded,
    Tool,
    unfinished,
)
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pgbraid.importers.formats.tool import ExportedMigration, Files
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["COLUMNS", "TOOL", "order", "read_flyway", "versioned_files"]

COLUMNS = (
    ("installed_rank", "integer"),
    ("version", VARCHAR),
    ("description", VARCHAR),
    ("type", VARCHAR),
    ("script", VARCHAR),
    ("success", "boolean"),
)
_FILE = re.compile(r"([VURB])([0-9][0-9._]*?)?__(.*)\.sql", re.DOTALL)
_LINE = re.compile(r"\r\n|\n|\r")
_PLACEHOLDER = re.compile(r"\$\{[\w.:-]+\}")
_OUTSIDE = re.compile(r"^\s*executeInTransaction\s*=\s*false", re.MULTILINE | re.IGNORECASE)


def _key(version: str) -> str:
    """Return a version in one spelling: 1_01 and 1.1.0 are the same version."""
    parts = [part.lstrip("0") or "0" for part in re.split(r"[._]", version.strip("._"))]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)


def _repeatable(script: str) -> str:
    return script.rpartition("/")[2].removesuffix(".sql")


def order(key: str) -> tuple[Any, ...]:
    """Return the sort key of a version; repeatable migrations are last."""
    if key.startswith("R__"):
        return (1, key)
    return (0, tuple(int(part) for part in key.split(".")))


def read_flyway(tool: str) -> Callable[[TrackerTable], History | tuple[Problem, ...]]:
    """Return a reader of Flyway's table, which dblift also uses."""

    def read(table: TrackerTable) -> History | tuple[Problem, ...]:
        applied: dict[str, Recorded] = {}
        baseline: str | None = None
        failed: dict[str, str] = {}
        for row in sorted(table.records(), key=lambda row: row["installed_rank"]):
            kind, version = row["type"].upper(), row["version"]
            key = _repeatable(row["script"]) if version is None else _key(version)
            # An undo script that failed outside a transaction has undone a part.
            if not row["success"]:
                failed[key] = row["script"]
            elif kind in {"SCHEMA", "DELETE"} or kind.startswith("UNDO"):
                applied.pop(key, None)
            elif kind.endswith("BASELINE"):  # or SQL_BASELINE, of a script B1__name.sql
                baseline = key
            else:
                failed.pop(key, None)
                checksum = row.get("checksum")
                text = None if checksum is None else str(checksum)
                applied[key] = Recorded(key, text, row["description"])
        if failed:
            hint = f"Undo by hand what {{}} has done, and run `{tool.lower()} repair`."
            return tuple(
                unfinished(table, tool, script, "failed in", hint.format(script))
                for script in failed.values()
            )
        return History(tuple(applied.values()), through=baseline, needs_file=False)

    return read


def _crc32(source: ForeignFile) -> list[str]:
    # Flyway reads lines as Java's BufferedReader does, and hashes them without their ends.
    text = source.data.decode(errors="replace").removeprefix("\ufeff")
    crc = 0
    for line in _LINE.split(text):
        crc = zlib.crc32(line.encode(), crc)
    return [str(crc - 2**32 if crc >= 2**31 else crc)]


def versioned_files(checksums: Callable[[ForeignFile], list[str]]) -> Files:
    """Return a reader for folders of files with Flyway's names."""

    def files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
        by_path = {source.path: source for source in sources}
        matches = [(m, s) for s in sources if (m := _FILE.fullmatch(s.name))]
        undo = {_key(m[2]): s for m, s in matches if m[1] == "U" and m[2]}
        baseline = _needed_baseline(matches)
        result = []
        for match, source in matches:
            is_repeatable = match[1] == "R" and not match[2]
            is_versioned = match[2] and (match[1] == "V" or source is baseline)
            if not (is_repeatable or is_versioned):
                continue
            key = _repeatable(source.name) if is_repeatable else _key(match[2])
            config = by_path.get(f"{source.path}.conf")
            down = undo.get(key)
            result.append(
                ForeignMigration(
                    key=key,
                    path=source.path,
                    digits="" if is_repeatable else _digits(match[2]),
                    name=text_name(match[3]),
                    up=source.text,
                    down=down.text if down else None,
                    no_transaction=(config is not None and bool(_OUTSIDE.search(config.text)))
                    or directives_of(source.text).no_transaction,
                    checksums=frozenset(checksums(source)),
                    notes=tuple(_notes(source, is_repeatable=is_repeatable)),
                )
            )
        return tuple(sorted(result, key=lambda m: order(m.key)))

    return files


def _needed_baseline(matches: list[tuple[re.Match[str], ForeignFile]]) -> ForeignFile | None:
    """Return the highest baseline script, if the folder lacks the versions that it replaces."""
    scripts = [(order(_key(m[2])), s) for m, s in matches if m[1] == "B" and m[2]]
    position, script = max(scripts, key=lambda pair: pair[0], default=(None, None))
    versions = [order(_key(m[2])) for m, _ in matches if m[1] == "V" and m[2]]
    return None if position is None or min(versions, default=position) < position else script


def _digits(version: str) -> str:
    return version if version.isdigit() else ""


def _notes(source: ForeignFile, *, is_repeatable: bool) -> list[str]:
    notes = []
    if is_repeatable:
        notes.append(
            "a repeatable migration becomes one that runs once, after all others; write a new "
            "migration for each later change"
        )
    placeholders = sorted(set(_PLACEHOLDER.findall(source.text)))
    if placeholders:
        notes.append(f"replace the placeholders {', '.join(placeholders)} by their values")
    return notes


def _export(migrations: Sequence[ExportedMigration], rows: int) -> Export:
    return Export(
        (
            (
                "CREATE TABLE {table} (installed_rank integer NOT NULL, version varchar(50),"
                " description varchar(200) NOT NULL, type varchar(20) NOT NULL,"
                " script varchar(1000) NOT NULL, checksum integer,"
                " installed_by varchar(100) NOT NULL,"
                " installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL,"
                " success boolean NOT NULL, CONSTRAINT {key} PRIMARY KEY (installed_rank))"
            ),
            "CREATE INDEX {index} ON {table} (success)",
        ),
        (
            *("installed_rank", "version", "description", "type", "script", "checksum"),
            *("installed_by", "execution_time", "success"),
        ),
        tuple(
            (
                *(rank, str(m.version), m.name.replace("_", " ")[:200], "SQL"),
                *(f"V{m.version}__{m.name}.sql", int(_crc32(ForeignFile("", m.data))[0])),
                *("pgbraid", 0, True),
            )
            for rank, m in enumerate(migrations, rows + 1)
        ),
        note="Flyway reads files with the names V1__name.sql, with the version of pgbraid's file",
    )


TOOL = Tool(
    "Flyway",
    ("flyway_schema_history", "schema_version"),
    (*COLUMNS, ("checksum", "integer")),
    "version",
    nullable=("version", "checksum"),
    read=read_flyway("Flyway"),
    files=versioned_files(_crc32),
    order=order,
    export=_export,
)
