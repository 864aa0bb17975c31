"""The file ``pgbraid.origin.json``: the origin of migrations that were converted.

``convert`` writes it beside the migrations, so that a database on which the other tool ran them can
be adopted later: for each version the key under which that tool records it, and its checksums.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Origin", "OriginEntry", "format_origin", "parse_origin"]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class OriginEntry:
    """One converted migration: its version, and its key and checksums in the other tool.

    ``after`` are the keys of the migrations that precede it, if that tool has a graph. The
    checksums hold as long as ``sha256`` is that of the new file, so that it was not edited.
    """

    version: int
    key: str
    file: str
    checksums: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The tool from which a folder was converted, by its name on the command line."""

    tool: str
    entries: tuple[OriginEntry, ...]


def format_origin(origin: Origin) -> str:
    """Return the text of the file: one line for each migration, so that merges are easy."""
    lines = ",\n".join(f"    {json.dumps(_document(entry))}" for entry in origin.entries)
    return (
        f'{{\n  "format": {_FORMAT},\n  "tool": {json.dumps(origin.tool)},\n'
        f'  "migrations": [\n{lines}\n  ]\n}}\n'
    )


def _document(entry: OriginEntry) -> dict[str, Any]:
    document: dict[str, Any] = {"version": entry.version, "key": entry.key, "file": entry.file}
    if entry.checksums:
        document["checksums"] = sorted(entry.checksums)
        document["sha256"] = entry.sha256
    if entry.after:
        document["after"] = list(entry.after)
    return document


def parse_origin(data: bytes, path: str) -> Origin:
    """Return the content of the file. Raises ProblemsFound if it is not what ``convert`` wrote."""
    try:
        document = json.loads(data)
        _check_format(document["format"])
        entries = tuple(_entry(item) for item in document["migrations"])
        return Origin(str(document["tool"]), entries)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = Problem(
            "origin_unreadable",
            f"{path} cannot be read: {error}",
            hint="Restore the file from git, or write it again with `pgbraid convert`.",
            location=Location(path),
        )
        raise ProblemsFound((problem,)) from None


def _check_format(number: object) -> None:
    if number != _FORMAT:
        raise ValueError(f"format {number!r} is unknown")


def _entry(item: dict[str, Any]) -> OriginEntry:
    return OriginEntry(
        int(item["version"]),
        str(item["key"]),
        str(item["file"]),
        tuple(map(str, _strings(item.get("checksums")))),
        tuple(map(str, _strings(item.get("after")))),
        item.get("sha256"),
    )


def _strings(value: object) -> Iterable[object]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value
