"""Maps the history of another tool's tracker to the migrations of a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import Recorded, number_of, version_of
from pgbraid.model.migration import Location, Problem, Severity
from pgbraid.model.results import Adoption

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pgbraid.importers.formats.tool import ForeignFile, History, Tool
    from pgbraid.importers.origin import Origin
    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.model.results import TrackerTable

__all__ = ["MapRequest", "map_history", "recorded_history"]

_LISTED = 8
_REPEATABLE = "R__"
_NAMED = re.compile(r"[0-9]+[_-]+(.+?)(?:\.[a-z]{1,5})?", re.DOTALL)
_WORDS = re.compile(r"[\W_]+")


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
class _Entry:
    key: str
    migration: Migration
    checksums: Collection[str]
    after: tuple[str, ...] = ()


def map_history(
    tool: Tool, table: TrackerTable, request: MapRequest
) -> Adoption | tuple[Problem, ...]:
    """Return the migrations that a tracker records as applied, or the problems that prevent it."""
    history = recorded_history(tool, table)
    if isinstance(history, tuple):
        return history
    if history.is_empty:
        return Adoption(tool.tool, table.name, ())
    entries = _entries(tool, request)
    matched, missing = _match(tool, history, entries)
    if missing:
        return (_no_file(tool, table, missing, request.migrations),)
    renamed = tuple(_renamed(tool, table, matched, converted=request.origin is not None))
    if renamed:
        return renamed
    return _adoption(tool, table, history, matched, request)


def recorded_history(tool: Tool, table: TrackerTable) -> History | tuple[Problem, ...]:
    """Return the history that the rows of a tracker record, or the problems that prevent it."""
    rows = table.records()
    names = (name for name, _ in tool.columns if name not in tool.nullable)
    column = next((name for name in names if any(row[name] is None for row in rows)), None)
    if column is None:
        return tool.read(table)
    problem = Problem(
        "tracker_ambiguous",
        f"{table.name} has a row without {column}, which {tool.tool} does not write",
        hint="Correct or delete that row, then run `pgbraid adopt`.",
    )
    return (problem,)


def _entries(tool: Tool, request: MapRequest) -> list[_Entry]:
    migrations = request.migrations
    if request.origin is not None:
        pairs = ((entry, migrations.get(entry.version)) for entry in request.origin.entries)
        return [
            _Entry(entry.key, migration, entry.checksums, entry.after)
            for entry, migration in pairs
            if migration
        ]
    by_file = {m.file: m for m in migrations.migrations}
    if tool.files and request.sources:
        foreign = [(f, by_file.get(f.path)) for f in tool.files(request.sources)]
        entries = [_Entry(f.key, m, f.checksums, f.after) for f, m in foreign if m]
        if entries:
            return entries
    # The files have no name of the tool, as after an export: the version is the key.
    return [_Entry(str(m.version), m, ()) for m in migrations.migrations]


def _match(
    tool: Tool, history: History, entries: list[_Entry]
) -> tuple[list[tuple[Recorded, _Entry]], list[str]]:
    """Return the recorded migrations with their entries, and the keys without an entry."""
    by_key = {entry.key: entry for entry in entries}
    matched: dict[str, tuple[Recorded, _Entry]] = {}
    missing = _match_single(tool, history, entries, matched)
    if history.through is not None:
        if history.needs_file and history.through not in by_key:
            missing.append(history.through)
        try:
            limit = tool.order(history.through)
            below = [entry for entry in entries if tool.order(entry.key) <= limit]
        except ValueError:  # it is no version of the tool
            below, missing = [], [history.through]
        for entry in below:
            matched.setdefault(entry.key, (Recorded(entry.key), entry))
    heads = list(history.heads)
    while heads:
        key = heads.pop()
        if key not in by_key:
            missing.append(key)
        elif key not in matched:
            matched[key] = (Recorded(key), by_key[key])
            heads += by_key[key].after
    return list(matched.values()), missing


def _match_single(
    tool: Tool,
    history: History,
    entries: list[_Entry],
    matched: dict[str, tuple[Recorded, _Entry]],
) -> list[str]:
    """Match the migrations that the history names one by one; return the keys without an entry."""
    by_key = {entry.key: entry for entry in entries}
    missing: list[str] = []
    prefixes: dict[str, list[str]] = {}
    for recorded in history.applied:
        entry = by_key.get(recorded.key) or _similar(tool, recorded, entries)
        if entry is None:
            entry = _by_version(recorded.key, entries)
            if entry is not None and entry.key in matched:
                entry = None  # two files of one version, of which one is here
            elif entry is not None and recorded.name is None:
                recorded = replace(recorded, name=_name_in(recorded.key))  # noqa: PLW2901
        if entry is not None:
            matched[entry.key] = (recorded, entry)
            if recorded.key.endswith(entry.key) and not entry.key.isdigit():
                prefix = recorded.key.removesuffix(entry.key)
                prefixes.setdefault(prefix, []).append(recorded.key)
        elif not recorded.key.startswith(_REPEATABLE):
            missing.append(recorded.key)
    if len(prefixes) > 1:  # files of equal names in several folders or applications
        missing += [key for keys in prefixes.values() for key in keys]
    return missing


def _similar(tool: Tool, recorded: Recorded, entries: list[_Entry]) -> _Entry | None:
    """Return the only entry with the same number or name as a recorded key.

    If the tool identifies a migration by its checksum, return the one with that checksum.
    """
    key = recorded.key
    hashed = recorded.checksum if tool.key == "hash" else None
    candidates = [
        [e for e in entries if _is_number(key) and number_of(e.key) == number_of(key)],
        [e for e in entries if not e.key.isdigit() and key.endswith((f".{e.key}", f"/{e.key}"))],
        [e for e in entries if e.key.endswith(f"/{key}")],
        [e for e in entries if hashed and hashed in e.checksums],
    ]
    return next((matches[0] for matches in candidates if len(matches) == 1), None)


def _by_version(key: str, entries: list[_Entry]) -> _Entry | None:
    """Return the entry that was written by hand for a migration in another language."""
    version = version_of(key)
    return next((e for e in entries if number_of(e.key) == str(version)), None)


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit()


def _name_in(key: str) -> str | None:
    """Return the name in a key such as ``20240101_create_users.js``, or None."""
    match = _NAMED.fullmatch(key)
    return match[1] if match else None


def _renamed(
    tool: Tool,
    table: TrackerTable,
    matched: Iterable[tuple[Recorded, _Entry]],
    *,
    converted: bool,
) -> Iterable[Problem]:
    """Yield a problem for each file whose name is not the recorded one."""
    for recorded, entry in matched:
        file = entry.migration
        if recorded.name is None or _folded(recorded.name) == _folded(file.name):
            continue
        # A converted file may have the application or the file's name before the recorded name.
        if converted and _folded(file.name).endswith(_folded(recorded.name)):
            continue
        yield Problem(
            "tracker_name_differs",
            f"{file.file} is recorded in {table.name} as {recorded.name!r}",
            detail=f"{tool.tool} has applied another file under the version {recorded.key}.",
            hint="Restore the name of the file that was applied, and give the other file a version "
            "of its own.",
            location=Location(file.path),
            versions=(file.version,),
        )


def _folded(name: str) -> str:
    return _WORDS.sub("", name).casefold()


def _adoption(
    tool: Tool,
    table: TrackerTable,
    history: History,
    matched: list[tuple[Recorded, _Entry]],
    request: MapRequest,
) -> Adoption:
    excluded = tuple(
        sorted(
            e.migration.version for _, e in matched if e.migration.version in request.not_applied
        )
    )
    adopted = sorted(
        ((r, e) for r, e in matched if e.migration.version not in request.not_applied),
        key=lambda pair: pair[1].migration.version,
    )
    unchanged = tool.unchanged(request.sources, history) if tool.unchanged else frozenset()
    checked = [(r, e) for r, e in adopted if r.checksum and (e.checksums or tool.unchanged)]
    if tool.unchanged and not request.sources:
        checked = []
    verified = frozenset(
        e.migration.version for r, e in checked if r.checksum in e.checksums or e.key in unchanged
    )
    changed = tuple(
        _changed(tool, e.migration) for _, e in checked if e.migration.version not in verified
    )
    counter = history.through if history.needs_file else None
    return Adoption(
        tool.tool,
        table.name,
        tuple(e.migration for _, e in adopted),
        excluded,
        counter=None if counter is None else int(counter),
        note=_note(table.name, counter, len(adopted), excluded),
        foreign=tuple((e.migration.version, r.key, r.checksum) for r, e in adopted),
        verified=verified,
        problems=changed,
    )


def _note(source: str, counter: str | None, count: int, excluded: tuple[int, ...]) -> str | None:
    if counter is None:
        return None
    text = (
        f"{source} has version {counter}: all {count} migrations up to it are adopted as applied. "
        "A counter does not record skipped versions; "
    )
    if excluded:
        return text + f"not adopted, as requested: {', '.join(map(str, excluded))}."
    return text + "if it skipped one, name it with `not_applied`."


def _changed(tool: Tool, file: Migration) -> Problem:
    return Problem(
        "tracker_checksum",
        f"{file.file} is not the text that {tool.tool} has applied, by its checksum",
        detail="The file was changed since, or the tool read it with other line ends. It is "
        "adopted without a checksum.",
        hint="Compare the file with its history in git: the change is not in this database.",
        severity=Severity.WARNING,
        location=Location(file.path),
        versions=(file.version,),
    )


def _no_file(
    tool: Tool, table: TrackerTable, missing: Sequence[str], migrations: MigrationSet
) -> Problem:
    listed = ", ".join(missing[:_LISTED])
    more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
    versions = tuple(v for v in map(version_of, missing) if v is not None)
    plural = "version" if len(missing) == 1 else "versions"
    no_file = "no file of that version is" if len(missing) == 1 else "no files of them are"
    convert = (
        f"If the files are in {tool.tool}'s format, convert them with `pgbraid convert`. "
        if tool.files and not tool.automatic
        else ""
    )
    return Problem(
        "tracker_version_without_file",
        f"{table.name} has {plural} {listed}{more}, but {no_file} in {migrations.label}",
        detail="The folder may be another one, or this release is older than the database.",
        hint=f"{convert}Name the folder of {tool.tool} with `dir`, then run `pgbraid adopt`. If "
        "the table belongs to another application, ignore it with `adopt = false`.",
        versions=versions,
    )
