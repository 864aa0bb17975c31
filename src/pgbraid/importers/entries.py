"""Lists the migrations of a folder with their keys in another tool's tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import version_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pgbraid.importers.formats.tool import ForeignFile, Tool
    from pgbraid.importers.origin import Origin
    from pgbraid.model.migration import Migration, MigrationSet

__all__ = ["Entry", "MapRequest", "entries_of"]


@dataclass(frozen=True, slots=True)
class MapRequest:
    """The migrations of a folder, where they come from, and what the user knows about them.

    ``origin`` is the file that ``convert`` wrote. Without it, ``sources`` are the files of the
    folder, if the tool's keys do not follow from the versions alone.
    """

    migrations: MigrationSet
    origin: Origin | None = None
    sources: Sequence[ForeignFile] = ()
    not_applied: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of the tracker, and its migration: for a replaced version, the baseline."""

    key: str
    migration: Migration
    checksums: Collection[str]
    after: tuple[str, ...] = ()
    edited: bool = False
    """Whether the file has another text than the one that `convert` wrote."""
    replaced: int | None = None
    """The version that a baseline replaces; its own name and checksums are unknown."""


def entries_of(tool: Tool, request: MapRequest) -> list[Entry]:
    """Return the migrations with their keys; a baseline stands for each version it replaces."""
    migrations = request.migrations
    baselines = {v: m for m in migrations.migrations for v in m.directives.replaces}
    if request.origin is not None:
        entries = _converted_entries(request.origin, migrations)
        replaced = [
            Entry(entry.key, baselines[entry.version], (), entry.after, replaced=entry.version)
            for entry in request.origin.entries
            if entry.version in baselines
        ]
    else:
        entries = _entries_of_files(tool, request)
        replaced = [Entry(str(v), m, (), replaced=v) for v, m in baselines.items()]
    return [entry for entry in entries if entry.migration not in baselines.values()] + replaced


def _entries_of_files(tool: Tool, request: MapRequest) -> list[Entry]:
    migrations = request.migrations
    by_file = {m.file: m for m in migrations.migrations}
    if tool.files and request.sources:
        foreign = [(f, by_file.get(f.path)) for f in tool.files(request.sources)]
        entries = [Entry(f.key, m, f.checksums, f.after) for f, m in foreign if m]
        if entries:
            return entries
    # The files have no name of the tool, as after an export: the version is the key.
    return [Entry(str(m.version), m, ()) for m in migrations.migrations]


def _converted_entries(origin: Origin, migrations: MigrationSet) -> list[Entry]:
    """Return an entry for each converted file, and for files that were written by hand since."""
    pairs = ((entry, migrations.get(entry.version)) for entry in origin.entries)
    result = [
        Entry(
            entry.key,
            migration,
            entry.checksums,
            entry.after,
            edited=bool(entry.checksums) and entry.sha256 != migration.checksum,
        )
        for entry, migration in pairs
        if migration
    ]
    if all(version_of(entry.key) == entry.version for entry in origin.entries):
        known = {entry.version for entry in origin.entries}
        more = (m for m in migrations.migrations if m.version not in known)
        result += [Entry(str(m.version), m, ()) for m in more]
    return result
