"""Maps the history of another tool's tracker to the migrations of a folder."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.importers.entries import Entry, MapRequest, entries_of
from pgbraid.importers.formats.tool import Recorded, number_of, version_of
from pgbraid.model.migration import Location, Problem, Severity
from pgbraid.model.results import Adoption

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pgbraid.importers.formats.tool import History, Tool
    from pgbraid.model.migration import Migration
    from pgbraid.model.results import TrackerTable

__all__ = ["map_history", "recorded_history", "recorded_versions"]

_LISTED = 8
_REPEATABLE = "R__"
_NAMED = re.compile(r"[0-9]+[_-]+(.+?)(?:\.[a-z]{1,5})?", re.DOTALL)
_WORDS = re.compile(r"[\W_]+")


def map_history(
    tool: Tool, table: TrackerTable, request: MapRequest
) -> Adoption | tuple[Problem, ...]:
    """Return the migrations that a tracker records as applied, or the problems that prevent it."""
    history = recorded_history(tool, table)
    if isinstance(history, tuple):
        return history
    if history.is_empty:
        return Adoption(tool.tool, table.name, ())
    entries = entries_of(tool, request)
    matched, missing = _match(tool, history, entries)
    if missing:
        return (_no_file(tool, table, missing, request),)
    problems = (
        *_renamed(tool, table, matched, converted=request.origin is not None),
        *_incomplete_squashes(tool, table, matched, request),
    )
    if problems:
        return problems
    matched = list(_without_replaced(matched))
    return _adoption(tool, table, history, matched, request)


def recorded_versions(tool: Tool, history: History, request: MapRequest) -> frozenset[int]:
    """Return the versions with a file here that a history records; other keys do not matter."""
    matched, _ = _match(tool, history, entries_of(tool, request))
    return frozenset(entry.migration.version for _, entry in matched if entry.replaced is None)


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


def _match(
    tool: Tool, history: History, entries: list[Entry]
) -> tuple[list[tuple[Recorded, Entry]], list[str]]:
    """Return the recorded migrations with their entries, and the keys without an entry."""
    by_key = {entry.key: entry for entry in entries}
    matched: dict[str, tuple[Recorded, Entry]] = {}
    if tool.scope and entries:  # the changes of other projects have no file here
        scopes = {tool.scope(entry.key) for entry in entries}
        applied = tuple(r for r in history.applied if tool.scope(r.key) in scopes)
        # Files that were not converted name no project: then all changes count.
        history = replace(history, applied=applied or history.applied)
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
    entries: list[Entry],
    matched: dict[str, tuple[Recorded, Entry]],
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


def _similar(tool: Tool, recorded: Recorded, entries: list[Entry]) -> Entry | None:
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


def _by_version(key: str, entries: list[Entry]) -> Entry | None:
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
    matched: Iterable[tuple[Recorded, Entry]],
    *,
    converted: bool,
) -> Iterable[Problem]:
    """Yield a problem for each file whose name is not the recorded one."""
    for recorded, entry in matched:
        file = entry.migration
        if entry.replaced is not None:
            continue
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


def _incomplete_squashes(
    tool: Tool,
    table: TrackerTable,
    matched: Sequence[tuple[Recorded, Entry]],
    request: MapRequest,
) -> Iterable[Problem]:
    """Yield a problem for each baseline of which the tracker has only a part."""
    applied = {entry.replaced for _, entry in matched} - {*request.not_applied}
    for baseline in request.migrations.migrations:
        versions = baseline.directives.replaces
        lacking = [version for version in versions if version not in applied]
        if lacking and len(lacking) < len(versions):
            listed = ", ".join(map(str, lacking[:_LISTED]))
            more = f" and {len(lacking) - _LISTED} more" if len(lacking) > _LISTED else ""
            yield Problem(
                "tracker_squash_incomplete",
                f"{table.name} has only a part of the {len(versions)} versions that "
                f"{baseline.label} replaces: it lacks {listed}{more}",
                detail="The baseline runs only on a database that has none of them, and their own "
                "files are gone.",
                hint="Deploy the last release before the squash, the commit in which these files "
                f"still exist: adopt the history of {tool.tool} with it (`pgbraid adopt`), apply "
                "the rest with `pgbraid up`, then come back.",
                location=Location(baseline.path),
                versions=tuple(lacking),
            )


def _without_replaced(
    matched: Sequence[tuple[Recorded, Entry]],
) -> Iterable[tuple[Recorded, Entry]]:
    """Yield one pair for each baseline in place of those of the versions that it replaces."""
    for recorded, entry in matched:
        if entry.replaced is None:
            yield recorded, entry
        elif entry.replaced == entry.migration.version:
            yield Recorded(recorded.key), entry


def _folded(name: str) -> str:
    return _WORDS.sub("", name).casefold()


def _adoption(
    tool: Tool,
    table: TrackerTable,
    history: History,
    matched: list[tuple[Recorded, Entry]],
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
        e.migration.version
        for r, e in checked
        if not e.edited and (r.checksum in e.checksums or e.key in unchanged)
    )
    changed = tuple(
        _changed(tool, e.migration, edited=e.edited)
        for _, e in checked
        if e.migration.version not in verified
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


def _changed(tool: Tool, file: Migration, *, edited: bool) -> Problem:
    if edited:
        message = f"{file.file} was edited after its conversion, so its checksum is not compared"
        reason = "The checksum is that of the text before the conversion."
    else:
        message = f"{file.file} is not the text that {tool.tool} has applied, by its checksum"
        reason = "The file was changed since, or the tool read it with other line ends."
    return Problem(
        "tracker_checksum",
        message,
        detail=f"{reason} It is adopted without a checksum.",
        hint="Compare the file with its history in git: the change is not in this database.",
        severity=Severity.WARNING,
        location=Location(file.path),
        versions=(file.version,),
    )


def _no_file(
    tool: Tool, table: TrackerTable, missing: Sequence[str], request: MapRequest
) -> Problem:
    listed = ", ".join(missing[:_LISTED])
    more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
    versions = tuple(v for v in map(version_of, missing) if v is not None)
    plural = "version" if len(missing) == 1 else "versions"
    no_file = "no file of that version is" if len(missing) == 1 else "no files of them are"
    return Problem(
        "tracker_version_without_file",
        f"{table.name} has {plural} {listed}{more}, but {no_file} in {request.migrations.label}",
        detail="The folder may be another one, or this release is older than the database.",
        hint=f"{_way_to_files(tool, converted=request.origin is not None)}, then run `pgbraid "
        "adopt`. If these files are gone, record the others with `pgbraid baseline VERSION`. If "
        "the table belongs to another application, ignore it with `adopt = false`.",
        versions=versions,
    )


def _way_to_files(tool: Tool, *, converted: bool) -> str:
    """Return how the user gets a folder in which every recorded version has a file."""
    convert = f"`pgbraid convert --from {tool.names[0]}`"
    if converted:
        return f"Restore the files, or convert the folder of {tool.tool} again with {convert}"
    if tool.runs_as_it_is:
        return f"Name the folder of {tool.tool} with `dir`"
    if tool.files or tool.program:
        return f"Convert the folder of {tool.tool} with {convert}, name the new one with `dir`"
    return "Write a file NNN_name.sql for each version, with the SQL that it ran"
