"""Helpers to read other tools' trackers and files."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import ForeignMigration, History, Recorded, number_of
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Location, Problem
from pgbraid.sql.tool_text import directives_of, split_sections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from pgbraid.importers.formats.tool import Files, ForeignFile, Read
    from pgbraid.model.results import TrackerTable

__all__ = [
    "folders",
    "in_order",
    "in_time",
    "numbered",
    "read_all",
    "sectioned",
    "text_name",
    "up_and_down",
]

_NUMBERED = re.compile(r"([0-9]+)[_-]?(.*?)(?:\.sql)", re.DOTALL)
_UP_OR_DOWN = re.compile(r"(?:\.(?:up|down))+\Z", re.IGNORECASE)
_WORD = re.compile(r"[^\w.-]+")


def read_all(key: str, checksum: str | None = None, name: str | None = None) -> Read:
    """Return a reader for a table in which each row is an applied migration."""

    def read(table: TrackerTable) -> History:
        return History(
            tuple(
                Recorded(
                    str(row[key]),
                    str(row[checksum]) if checksum and row.get(checksum) is not None else None,
                    str(row[name]) if name and row.get(name) is not None else None,
                )
                for row in table.records()
                if row[key] is not None
            )
        )

    return read


def text_name(name: str) -> str:
    """Return a description as the name part of a file name."""
    return _UP_OR_DOWN.sub("", _WORD.sub("_", name.strip()).strip("_.-")) or "migration"


def numbered(
    key: Callable[[str, ForeignFile], str] = lambda digits, _: number_of(digits),
    *,
    pattern: re.Pattern[str] = _NUMBERED,
    checksums: Callable[[ForeignFile], Iterable[str]] = lambda _: (),
    sections: bool = False,
) -> Files:
    """Return a reader for a flat folder of files that begin with a number.

    The groups 1 and 2 of the pattern are the version and the name. With ``sections``, the file
    holds an up and a down section.
    """

    def files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
        result = []
        for source in sources:
            match = pattern.fullmatch(source.name)
            if match is None or "/" in source.path:
                continue
            up, down, outside = sectioned(source.text) if sections else (source.text, None, None)
            if outside is None:
                outside = directives_of(up).no_transaction
            result.append(
                ForeignMigration(
                    key=key(match[1], source),
                    path=source.path,
                    digits=match[1],
                    name=text_name(match[2]),
                    up=up,
                    down=down,
                    no_transaction=outside,
                    checksums=frozenset(checksums(source)),
                )
            )
        return tuple(sorted(result, key=lambda m: (int(m.digits), m.path)))

    return files


def sectioned(text: str) -> tuple[str, str | None, bool]:
    """Return the up section, the down section, and whether the up section runs outside."""
    up, down = split_sections(text)
    return up, down if down.strip() else None, directives_of(text).no_transaction


def up_and_down(
    pattern: re.Pattern[str],
    *,
    down: str = "down",
    checksums: Callable[[ForeignFile], Iterable[str]] = lambda _: (),
    key: Callable[[str], str] = number_of,
) -> Files:
    """Return a reader for pairs of files; the groups are version, name and direction."""

    def files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
        ups: list[tuple[re.Match[str], ForeignFile]] = []
        downs: dict[str, ForeignFile] = {}
        for source in sources:
            match = pattern.fullmatch(source.name)
            if match is None or "/" in source.path:
                continue
            if (match[3] or "").strip(".").lower() == down:
                downs[match[1]] = source
            else:
                ups.append((match, source))
        result = [
            ForeignMigration(
                key=key(match[1]),
                path=source.path,
                digits=match[1],
                name=text_name(match[2]),
                up=source.text,
                down=downs[match[1]].text if match[1] in downs else None,
                no_transaction=directives_of(source.text).no_transaction,
                checksums=frozenset(checksums(source)),
            )
            for match, source in ups
        ]
        return tuple(sorted(result, key=lambda m: (int(m.digits), m.path)))

    return files


def folders(  # noqa: PLR0913 - the names in a folder
    pattern: re.Pattern[str],
    *,
    up: str = "up.sql",
    down: str = "down.sql",
    key: Callable[[re.Match[str]], str],
    digits: Callable[[re.Match[str]], str] = lambda match: match[1],
    checksums: Callable[[ForeignFile], Iterable[str]] = lambda _: (),
) -> Files:
    """Return a reader for folders, one per migration; the groups 1 and 2 are version and name."""

    def files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
        by_path = {source.path: source for source in sources}
        result = []
        for source in sources:
            match = pattern.fullmatch(source.folder)
            if match is None or source.name != up:
                continue
            parent = source.path.removesuffix(up)
            opposite = by_path.get(parent + down)
            metadata = by_path.get(parent + "metadata.toml")
            outside = metadata is not None and re.search(
                r"^\s*run_in_transaction\s*=\s*false", metadata.text, re.MULTILINE
            )
            result.append(
                ForeignMigration(
                    key=key(match),
                    path=source.path,
                    digits=digits(match),
                    name=text_name(match[2]),
                    up=source.text,
                    down=opposite.text if opposite else None,
                    no_transaction=bool(outside) or directives_of(source.text).no_transaction,
                    checksums=frozenset(checksums(source)),
                )
            )
        return tuple(sorted(result, key=lambda m: (m.digits, m.path)))

    return files


def in_time(rows: Iterable[Mapping[str, Any]], column: str) -> list[Mapping[str, Any]]:
    """Return rows by a time; those without it are first, and equal ones keep their order."""
    rows = list(rows)
    without = [row for row in rows if row.get(column) is None]
    others = [row for row in rows if row.get(column) is not None]
    return [*without, *sorted(others, key=lambda row: row[column])]


def in_order(migrations: Iterable[ForeignMigration]) -> tuple[ForeignMigration, ...]:
    """Return the migrations so that each stands behind those that precede it.

    Raises ProblemsFound if a migration names one that is not there, or if there is a circle.
    """
    by_key = {migration.key: migration for migration in sorted(migrations, key=lambda m: m.path)}
    holes = [
        Problem(
            "tracker_graph_hole",
            f"{migration.key} follows {key}, which no file has",
            hint="Restore the file, or name the folder that has all files.",
            location=Location(migration.path),
        )
        for migration in by_key.values()
        for key in migration.after
        if key not in by_key
    ]
    if holes:
        raise ProblemsFound(tuple(holes))
    sorter = TopologicalSorter({key: migration.after for key, migration in by_key.items()})
    try:
        return tuple(by_key[key] for key in sorter.static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        message = f"the migrations form a circle: {circle}"
        raise ProblemsFound((Problem("tracker_graph_hole", message),)) from None
