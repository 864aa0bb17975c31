r"""Liquibase: one row for each change set; of its files, formatted SQL is read.

Sources: ``CreateDatabaseChangeLogTableGenerator.java``, ``CheckSum.java``, ``ChangeSet.java``,
``AbstractSQLChange.java``. A change set is identified by id, author and file. The checksum of
version 9 is the MD5 of ``9:``, the MD5 of the SQL without white space, and ``:``.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import text_name
from pgbraid.importers.formats.tool import (
    VARCHAR,
    ForeignMigration,
    History,
    Recorded,
    Tool,
    unfinished,
)
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.importers.formats.tool import ForeignFile
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]

_APPLIED = frozenset({"EXECUTED", "RERAN", "MARK_RAN"})
_FORMATTED = re.compile(r"\s*--[ \t]*liquibase[ \t]+formatted[ \t]+sql\b", re.IGNORECASE)
_CHANGE_SET = re.compile(
    r"^[ \t]*--[ \t]*changeset[ \t]+(\"[^\"\n]+\"|[^:\n]+):[ \t]*(\"[^\"\n]+\"|\S+)(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_IGNORE = re.compile(r"^[ \t]*--[ \t]*ignoreLines:(start|end|\d+)[ \t]*$", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\{[\w.:-]+\}")
_ROLLBACK = re.compile(r"^[ \t]*--[ \t]*rollback\b[ \t]?(.*)$", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"^[ \t]*--[ \t]*(?:comment|preconditions|precondition-\S+|property)\b", re.IGNORECASE
)
_BLANKS = re.compile(r"[ \t\r\n]")


def _key(identity: str, author: str, path: str) -> str:
    # The table has the path as the changelog has it: with other folders before it than the source.
    return f"{path.removeprefix('classpath:')}::{identity}::{author}"


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    applied: list[Recorded] = []
    failed: list[str] = []
    for row in sorted(table.records(), key=lambda row: row["orderexecuted"]):
        key = _key(row["id"], row["author"], row["filename"])
        if row["exectype"] in _APPLIED:
            applied.append(Recorded(key, row.get("md5sum")))
        elif row["exectype"] == "FAILED":
            failed.append(key)
    if failed:
        hint = "Undo that change set by hand, and delete its row."
        return tuple(unfinished(table, "Liquibase", key, "failed in", hint) for key in failed)
    return History(tuple(applied))


def _files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
    result: list[ForeignMigration] = []
    for source in sorted(sources, key=lambda source: source.path):
        if _FORMATTED.match(source.text):
            result += _change_sets(source)
    return tuple(result)


def _change_sets(source: ForeignFile) -> list[ForeignMigration]:
    text = source.text
    heads = list(_CHANGE_SET.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    result = []
    for head, end in zip(heads, ends, strict=True):
        author, identity, attributes = head[1].strip().strip('"'), head[2].strip('"'), head[3]
        up, down = _split(text[head.end() : end])
        outside = re.search(r"runInTransaction\s*[:=]\s*\"?false", attributes, re.IGNORECASE)
        result.append(
            ForeignMigration(
                key=_key(identity, author, source.path),
                path=source.path,
                digits="",
                name=text_name(f"{source.name.removesuffix('.sql')}_{identity}"),
                up=up,
                down=down or None,
                no_transaction=bool(outside) or directives_of(up).no_transaction,
                checksums=_checksums(up),
                notes=tuple(_notes(attributes, text[head.end() : end])),
            )
        )
    return result


def _split(body: str) -> tuple[str, str]:
    up, down = [], []
    for line in _kept(body.splitlines(keepends=True)):
        rollback = _ROLLBACK.match(line)
        if rollback:
            down.append(f"{rollback[1].rstrip()}\n")
        elif not _ATTRIBUTE.match(line):
            up.append(line)
    return "".join(up).strip("\r\n") + "\n", "".join(down)


def _kept(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines that Liquibase does not ignore."""
    ignored: float = 0
    for line in lines:
        mark = _IGNORE.match(line)
        if mark:
            word = mark[1].lower()
            ignored = {"start": math.inf, "end": 0}[word] if word.isalpha() else int(word)
        elif ignored:
            ignored -= 1
        else:
            yield line


def _checksums(sql: str) -> frozenset[str]:
    bare = _BLANKS.sub("", sql)
    inner = hashlib.md5(bare.encode(), usedforsecurity=False).hexdigest()
    outer = hashlib.md5(f"9:{inner}:".encode(), usedforsecurity=False).hexdigest()
    return frozenset({f"9:{outer}"})


def _notes(attributes: str, body: str) -> list[str]:
    notes = [
        f"{word} is not kept: the migration runs once"
        for word in ("runOnChange", "runAlways")
        if re.search(rf"{word}\s*[:=]\s*\"?true", attributes, re.IGNORECASE)
    ]
    if re.search(r"\b(?:context|contextFilter|labels|dbms)\s*:", attributes):
        notes.append("context, labels and dbms are not kept: the migration runs everywhere")
    if re.search(r"^[ \t]*--[ \t]*precondition", body, re.IGNORECASE | re.MULTILINE):
        notes.append("preconditions are not kept")
    if re.search(r"\bendDelimiter\s*:", attributes, re.IGNORECASE):
        notes.append("endDelimiter is not kept: end each statement with a semicolon")
    placeholders = sorted(set(_PLACEHOLDER.findall(body)))
    if placeholders:
        notes.append(f"replace the placeholders {', '.join(placeholders)} by their values")
    return notes


TOOL = Tool(
    "Liquibase",
    ("databasechangelog",),
    (
        *(("id", VARCHAR), ("author", VARCHAR), ("filename", VARCHAR)),
        *(("orderexecuted", "integer"), ("exectype", VARCHAR)),
    ),
    "id",
    read=_read,
    files=_files,
    more=("md5sum",),
    beside=("databasechangeloglock",),
    lock=("databasechangeloglock", "locked"),
    order=str,
)
