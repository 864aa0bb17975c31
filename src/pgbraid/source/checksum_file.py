"""Reads, writes and compares ``pgbraid.sum``: files and checksums, in the format of sha256sum."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Location, Problem, Severity
from pgbraid.model.results import ChecksumFileWritten
from pgbraid.source.filenames import CHECKSUM_FILE, FileName, parse_file_name, parse_version
from pgbraid.source.files import not_regular_reason, read_error_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Sums = Iterable[tuple[str, str, str]]

    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.results import Check

__all__ = [
    "compare_checksums",
    "format_checksums",
    "renamed_in_checksums",
    "replace_checksum_file",
    "unreadable",
    "with_checksum_problems",
    "write_checksum_file",
]

_LINE = re.compile(r"(\\?)([0-9A-Fa-f]{64}) [ *](.+)", re.DOTALL)
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_ESCAPED = re.compile(r"[\\\n\r]")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_MEANINGS = {"\\": "\\", "n": "\n", "r": "\r"}
_WRITE = (
    "If the change of the files is intended, run `pgbraid sum` and commit pgbraid.sum with them."
)


def format_checksums(sums: Sums) -> str:
    """Return the content of ``pgbraid.sum`` for files given as (name, path, checksum)."""
    # One line per file, sorted, and no checksum over all: otherwise every merge of two branches
    # with new migrations would be a conflict.
    return "".join(_line(name, checksum) for name, _, checksum in sorted(sums))


def _line(name: str, checksum: str) -> str:
    if _ESCAPED.search(name):
        return f"\\{checksum}  {_ESCAPED.sub(lambda m: _ESCAPES[m[0]], name)}\n"
    return f"{checksum}  {name}\n"


def compare_checksums(sums: Sums, content: bytes, path: str) -> Iterator[Problem]:
    """Yield the differences between files and the content of ``pgbraid.sum``.

    ``sums`` are (name, path, checksum) of each file. A file with an empty checksum could not be
    read; only its name is compared. A merge conflict in the content is reported alone.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield unreadable(path, f"{CHECKSUM_FILE} is not UTF-8")
        return
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    for number, line in enumerate(lines, 1):
        if line.startswith(_CONFLICT):
            yield _conflict(path, number)
            return
    listed: dict[str, tuple[str, int]] = {}
    problems = list(_read(lines, path, listed))
    yield from _differences(sums, listed, path)
    yield from problems


def _read(lines: list[str], path: str, listed: dict[str, tuple[str, int]]) -> Iterator[Problem]:
    """Add the checksum and line number of each name to ``listed``; yield malformed lines."""
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        name = _unescaped(match[3]) if match and match[1] else match and match[3]
        if match is None or name is None:
            message = "the line is not a sha256, two spaces and a file name"
            yield unreadable(path, message, number)
        elif "/" in name:
            message = f"{name} is in another folder, which pgbraid does not read"
            yield unreadable(path, message, number)
        elif name in listed:
            message = f"{name} is listed twice, first in line {listed[name][1]}"
            yield unreadable(path, message, number)
        else:
            listed[name] = match[2].lower(), number


def _unescaped(name: str) -> str | None:
    """Return the name of a line that begins with a backslash, which sha256sum writes escaped."""
    if any(escape not in _MEANINGS for escape in _ESCAPE.findall(name)):
        return None
    return _ESCAPE.sub(lambda match: _MEANINGS[match[1]], name)


def renamed_in_checksums(content: bytes, names: Mapping[str, str], path: str) -> bytes:
    """Return the content of ``pgbraid.sum`` with files renamed, by old name, and sorted again.

    Checksums and all other lines stay as they are; a comment stays above the line that follows it.
    Raises ConfigError for a merge conflict, and for a file that is not UTF-8.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _not_readable(f"{path} is not UTF-8") from None
    mark, above = "\ufeff" * text.startswith("\ufeff"), ""
    groups: list[tuple[str, str, str]] = []
    # Not splitlines, which ends a line also at characters that a file name may have.
    lines = text.removeprefix("\ufeff").removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith(_CONFLICT):
            raise _not_readable(f"{path} has a merge conflict in line {number}")
        match = _LINE.fullmatch(line.removesuffix("\r"))
        name = match and (_unescaped(match[3]) if match[1] else match[3])
        if match is None or name is None:
            above += f"{line}\n"
            continue
        new = names.get(name, name)
        end = "\r\n" if line.endswith("\r") else "\n"
        entry = f"{line}\n" if new == name else _line(new, match[2]).removesuffix("\n") + end
        groups.append((name, new, above + entry))
        above = ""
    if all(name == new for name, new, _ in groups):
        return content
    ordered = sorted((new, text) for _, new, text in groups)
    return "".join([mark, *(text for _, text in ordered), above]).encode()


def _not_readable(message: str) -> ConfigError:
    return ConfigError(message, hint=f"Resolve it, or write {CHECKSUM_FILE} with `pgbraid sum`.")


def _differences(sums: Sums, listed: Mapping[str, tuple[str, int]], path: str) -> Iterator[Problem]:
    names = set[str]()
    for name, file, checksum in sums:
        names.add(name)
        if name not in listed:
            yield Problem(
                "sum_unlisted",
                f"{name} is not in {CHECKSUM_FILE}",
                hint=_WRITE,
                location=Location(file),
                versions=_versions(name),
            )
        elif checksum not in {"", listed[name][0]}:
            yield Problem(
                "sum_changed",
                f"{name} differs from its checksum in {CHECKSUM_FILE}",
                detail=f"Its sha256 is {checksum}; line {listed[name][1]} has {listed[name][0]}.",
                hint=_WRITE,
                location=Location(file),
                versions=_versions(name),
            )
    for name in (name for name in listed if name not in names):
        yield Problem(
            "sum_gone",
            f"{name} is in {CHECKSUM_FILE}, but is not a migration in this folder",
            hint=_WRITE,
            location=Location(path, listed[name][1]),
            versions=_versions(name),
        )


def _versions(name: str) -> tuple[int, ...]:
    parts = parse_file_name(name)
    version = parse_version(parts.digits) if isinstance(parts, FileName) else None
    return () if version is None else (version,)


def unreadable(path: str, message: str, line: int | None = None) -> Problem:
    """Return a problem for a checksum file, or a line of it, that cannot be read."""
    return Problem(
        "sum_unreadable",
        message,
        hint="Write it again with `pgbraid sum`.",
        location=Location(path, line),
    )


def _conflict(path: str, line: int) -> Problem:
    return Problem(
        "sum_unreadable",
        f"{CHECKSUM_FILE} has an unresolved merge conflict",
        hint="Review the migrations of both sides, then write it again with `pgbraid sum`.",
        location=Location(path, line),
    )


def with_checksum_problems(check: Check, migrations: MigrationSet) -> Check:
    """Return the check with the problems of the source's ``pgbraid.sum`` added.

    Compares the checksums computed at loading, which are those of the texts that would run.
    """
    return replace(
        check, problems=(*check.problems, *_problems(migrations)), checksum_file_compared=True
    )


def _problems(migrations: MigrationSet) -> Iterator[Problem]:
    if migrations.checksum_file is None:
        yield Problem(
            "sum_missing",
            f"there is no {CHECKSUM_FILE} in {migrations.label}",
            hint="Write it with `pgbraid sum`, and commit it with the migrations.",
        )
        return
    path, file = migrations.checksum_file
    data = b""
    try:
        reason = not_regular_reason(file)
        data = b"" if reason else file.read_bytes()
    except OSError as error:
        reason = read_error_reason(file, error)
    if reason:
        yield unreadable(path, f"{CHECKSUM_FILE} cannot be read: {reason}")
    else:
        yield from compare_checksums(migrations.file_checksums, data, path)


def write_checksum_file(
    folder: str | os.PathLike[str], migrations: MigrationSet
) -> ChecksumFileWritten:
    """Write the checksums of a folder's loaded files to its ``pgbraid.sum``.

    Raises ProblemsFound if the files have errors, ConfigError if the file cannot be written. The
    old file then stays unchanged.
    """
    errors = tuple(p for p in migrations.problems if p.severity is Severity.ERROR)
    if errors:
        raise ProblemsFound(errors)
    path = Path(folder) / CHECKSUM_FILE
    try:
        replace_checksum_file(path, format_checksums(migrations.file_checksums).encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    return ChecksumFileWritten(str(path), len(migrations.file_checksums), migrations.problems)


def replace_checksum_file(path: Path, content: bytes) -> None:
    """Replace a file atomically, so that no reader ever sees a part of the new content.

    Raises OSError; the old file then stays unchanged.
    """
    temporary = path.with_name(f".{CHECKSUM_FILE}.{os.urandom(4).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
