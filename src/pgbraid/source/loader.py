"""Loads migrations from a folder, a package resource or a mapping in memory."""

from __future__ import annotations

import codecs
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

from pgbraid.arguments import an_instance, wrong_type
from pgbraid.model.errors import ConfigError
from pgbraid.model.migration import (
    NO_DIRECTIVES,
    Directives,
    Location,
    Migration,
    MigrationSet,
    Problem,
    Severity,
    digest,
)
from pgbraid.source.candidates import UTF16, CandidateFile, content_if_plain, is_unicode
from pgbraid.source.filenames import (
    CHECKSUM_FILE,
    MAX_VERSION,
    ORIGIN_FILE,
    NearMiss,
    case_folded,
    parse_file_name,
    parse_version,
)
from pgbraid.source.files import (
    LinkOutsideFolder,
    MemoryFile,
    list_folder,
    not_regular_reason,
    read_chunks,
    read_error_reason,
    read_unless_large,
    wrap_resource,
)
from pgbraid.sql.marks import has_marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.source.files import Source, SourceFile


__all__ = ["load_migrations"]


def load_migrations(source: Source, links: tuple[str, ...] = ()) -> MigrationSet:
    """Return the migrations of a source, each read and hashed once, with all their problems.

    ``source`` is a folder's path, a ``Traversable`` such as ``importlib.resources.files()``
    returns, or a mapping of file names to texts. Sub-folders are not entered. A symbolic link may
    lead to a file in or below the folder, or below one of ``links``.

    Raises ConfigError if the folder is missing or cannot be listed. Problems of single files do not
    raise; they are in ``problems`` of the result.
    """
    label, files = _files(source, links)
    entries: list[CandidateFile] = []
    problems: list[Problem] = []
    checksum_file = origin_file = None
    for file in sorted(files, key=lambda file: file.name):
        path = f"{label}/{file.name}" if label else file.name
        parts = parse_file_name(file.name)
        if parts is not None and not is_unicode(file.name):
            problems.append(_bad_name(file.name, path))
            continue
        if isinstance(parts, NearMiss):
            problems.append(_near_miss(file.name, path, parts))
        elif parts is not None:
            version = parse_version(parts.digits)
            if version is None:
                problems.append(_out_of_range(parts.digits, path))
            else:
                entries.append(CandidateFile(version, parts, file, path))
        elif file.name == CHECKSUM_FILE:
            checksum_file = path, file
        elif file.name == ORIGIN_FILE:
            origin_file = path, file
    if not entries:
        from pgbraid.source.empty_source import explain_empty_source  # noqa: PLC0415 - a mistake

        problems += explain_empty_source(source, label, problems)
    migrations = _assemble(label, entries, problems)
    if any(migration.directives.replaces for migration in migrations.migrations):
        from pgbraid.source.baselines import with_baseline_problems  # noqa: PLC0415 - few have one

        migrations = with_baseline_problems(migrations)
    return replace(migrations, checksum_file=checksum_file, origin_file=origin_file)


def _files(source: Source, links: tuple[str, ...]) -> tuple[str, list[SourceFile]]:
    if isinstance(source, Mapping):
        return "", [_in_memory(name, content) for name, content in source.items()]
    if isinstance(source, (str, PathLike)):
        if not str(source):
            raise ConfigError("the name of the folder of migrations is empty")
        label = str(source).rstrip("/") or "/"
        try:
            return label, [*list_folder(source, links)]
        except OSError as error:
            raise _bad_folder(label, error) from None
    if not hasattr(source, "is_dir"):
        raise wrong_type(
            "source", "a folder's path, a package's resource or a mapping of texts", source
        )
    if not source.is_dir():
        raise _bad_folder(source.name, FileNotFoundError())
    return source.name, [wrap_resource(file, links) for file in source.iterdir()]


def _in_memory(name: str, content: str | bytes) -> MemoryFile:
    an_instance("each key of source", name, str, "a file's name")
    if isinstance(content, str):
        content = content.encode(errors="surrogateescape")
    return MemoryFile(name, an_instance(f"source[{name!r}]", content, bytes, "a text"))


def _bad_folder(label: str, error: OSError) -> ConfigError:
    reasons = {
        FileNotFoundError: "does not exist",
        NotADirectoryError: "is not a folder",
        PermissionError: "cannot be read: permission denied",
    }
    reason = reasons.get(type(error), f"cannot be read: {error.strerror}")
    return ConfigError(
        f"the migrations folder {label!r} {reason}",
        hint="Name the folder with `dir`; `pgbraid new NAME` creates the first migration, and "
        "`pgbraid convert` writes those of another tool.",
    )


def _assemble(label: str, entries: list[CandidateFile], problems: list[Problem]) -> MigrationSet:
    ups: dict[int, list[CandidateFile]] = defaultdict(list)
    downs: dict[int, list[CandidateFile]] = defaultdict(list)
    for entry in entries:
        (ups if entry.parts.kind == "up" else downs)[entry.version].append(entry)
    migrations: list[Migration] = []
    sums: list[tuple[str, str, str]] = []
    for version in sorted(ups.keys() | downs.keys()):
        up, down = ups[version], downs[version]
        if len(up) != 1 or down:
            problems += [*_clashes(version, up), *_clashes(version, down)]
            problems += _lone_downs(version, up, down)
        read = [(entry, _read(entry)) for entry in (*up, *down)]
        for entry, facts in read:
            problems += facts.problems
            sums.append((entry.name, entry.path, facts.checksum))
        # A file with problems is not a migration, but pgbraid.sum lists it all the same.
        sound = [(entry, facts) for entry, facts in read if not facts.problems]
        if len(up) == 1 and sound and sound[0][0] is up[0]:
            migrations.append(_migration(*sound[0], [entry for entry, _ in sound[1:]]))
    return MigrationSet(tuple(migrations), tuple(problems), label or "memory", tuple(sums))


def _migration(up: CandidateFile, facts: _FileFacts, downs: list[CandidateFile]) -> Migration:
    named = [entry for entry in downs if entry.parts.name == up.parts.name]
    down = named[0] if len(named) == 1 else None
    return Migration(
        version=up.version,
        name=up.parts.name,
        file=up.name,
        checksum=facts.checksum,
        size=facts.size,
        path=up.path,
        digits=up.parts.digits,
        content=up.file,
        down=down.name if down else None,
        down_content=down.file if down else None,
        directives=facts.directives,
    )


class _FileFacts:
    """Checksum, size, directives and problems of a file; the content itself is not kept."""

    __slots__ = ("checksum", "directives", "problems", "size")

    def __init__(
        self,
        checksum: str = "",
        size: int = 0,
        problems: tuple[Problem, ...] = (),
        head: bytes = b"",
    ) -> None:
        self.checksum = checksum
        self.size = size
        self.problems = problems
        self.directives = _directives(head) if has_marks(head) else NO_DIRECTIVES


def _is_head(head: bytes) -> bool:
    from pgbraid.sql.directives import is_head  # noqa: PLC0415 - few files are large

    return is_head(head.decode(errors="replace"))


def _directives(head: bytes) -> Directives:
    from pgbraid.sql.tool_text import directives_of  # noqa: PLC0415 - few files have any

    return directives_of(head.decode(errors="replace"))


def _read(entry: CandidateFile) -> _FileFacts:
    """Return the facts of a file. Neither blocks on a pipe nor follows a link out of the folder."""
    plain = content_if_plain(entry.file)
    if plain is not None:
        return _FileFacts(digest(plain), len(plain), (), plain)
    try:
        # Opening a pipe would block until another process writes to it.
        reason = not_regular_reason(entry.file)
        data = b"" if reason else read_unless_large(entry.file)
        if data is None:
            return _read_large(entry)
    except LinkOutsideFolder as error:
        return _FileFacts(problems=(_link_outside(entry, error.target),))
    except OSError as error:
        reason = read_error_reason(entry.file, error)
        data = None
    if reason or data is None:
        problem = _file_problem("unreadable", entry, f"cannot be read: {reason}", None)
        return _FileFacts(problems=(problem,))
    return _FileFacts(digest(data), len(data), tuple(_bad_bytes(entry, data)), data)


def _read_large(entry: CandidateFile) -> _FileFacts:
    """Return the facts of a large file, read in chunks."""
    sha, size, problems, head = hashlib.sha256(), 0, list[Problem](), b""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 1
    for chunk in read_chunks(entry.file):
        if size == 0 and chunk.startswith(UTF16):
            return _FileFacts(problems=tuple(_bad_bytes(entry, chunk[:2])))
        sha.update(chunk)
        size += len(chunk)
        # Directives end with the first statement, so the head grows only until then.
        head += chunk if not head or _is_head(head) else b""
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line = lines + chunk[: error.start].count(b"\n")
            bad = error.object[error.start]
            problem = _file_problem(
                "invalid_utf8", entry, f"is not UTF-8: byte 0x{bad:02x}", (line,)
            )
            return _FileFacts(problems=(*problems, problem))
        nul = chunk.find(b"\0")
        if nul >= 0 and not problems:
            line = lines + chunk[:nul].count(b"\n")
            problems.append(_file_problem("nul_byte", entry, "has a NUL byte", (line,)))
        lines += chunk.count(b"\n")
    if decoder.getstate()[0]:
        message = "is not UTF-8: its last character is cut off"
        problems.append(_file_problem("invalid_utf8", entry, message, (lines,)))
    return _FileFacts(sha.hexdigest(), size, tuple(problems), head)


def _bad_bytes(entry: CandidateFile, data: bytes) -> Iterator[Problem]:
    if data.startswith(UTF16):
        yield _file_problem("utf16", entry, "is UTF-16, not UTF-8", None)
        return
    nul = data.find(b"\0")
    if nul >= 0:
        yield _file_problem("nul_byte", entry, "has a NUL byte", _byte_place(data, nul))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte 0x{data[error.start]:02x}"
        yield _file_problem("invalid_utf8", entry, message, _byte_place(data, error.start))


def _byte_place(data: bytes, offset: int) -> tuple[int, int]:
    from pgbraid.sql.script import line_and_column  # noqa: PLC0415 - only for a problem

    before = data[:offset].decode(errors="replace")
    return line_and_column(before, len(before))


def _file_problem(
    code: str, entry: CandidateFile, message: str, at: tuple[int, ...] | None
) -> Problem:
    hints = {
        "unreadable": "Make it a readable file or remove it, then run `pgbraid check --offline`.",
        "nul_byte": "PostgreSQL text cannot contain NUL. Remove it, or save the file as UTF-8.",
    }
    return Problem(
        code,
        f"{entry.name} {message}",
        hint=hints.get(code, "Save the file as UTF-8, then run `pgbraid check --offline`."),
        location=Location(entry.path, *(at or ())),
        versions=(entry.version,),
    )


def _link_outside(entry: CandidateFile, target: str) -> Problem:
    return Problem(
        "link_outside",
        f"{entry.name} is a link out of the folder",
        detail=f"It leads to {target}.",
        hint="Put the file itself into the folder, or add the folder of the file to the setting "
        "`links`. Then run `pgbraid check --offline`.",
        location=Location(entry.path),
        versions=(entry.version,),
    )


def _bad_name(name: str, path: str) -> Problem:
    return Problem(
        "invalid_utf8",
        f"the file's name is not UTF-8: {name!r}",
        hint="Rename the file: pgbraid records its name in the database.",
        location=Location(path),
    )


def _near_miss(name: str, path: str, miss: NearMiss) -> Problem:
    hint = f"Rename it to {miss.suggestion}" if miss.suggestion else "Name it NNN_name.sql"
    return Problem(
        "near_miss",
        f"{name} looks like a migration, but is not one",
        hint=f"{hint}, or move it out of the folder.",
        severity=Severity.WARNING,
        location=Location(path),
    )


def _out_of_range(digits: str, path: str) -> Problem:
    return Problem(
        "version_out_of_range",
        f"version {digits} is out of range for bigint, whose maximum is {MAX_VERSION}",
        hint="Give the file a smaller version; `pgbraid new NAME` chooses the next free one.",
        location=Location(path),
    )


def _clashes(version: int, entries: list[CandidateFile]) -> list[Problem]:
    if len(entries) < 2:  # noqa: PLR2004 - a clash needs two files
        return []
    names = [entry.name for entry in entries]
    alike = len({case_folded(name) for name in names}) < len(names)
    return [
        Problem(
            "name_collision" if alike else "duplicate_version",
            f"version {version} has {len(names)} files: {', '.join(names)}",
            detail="Their names differ only in case or in Unicode normalization: some file "
            "systems treat them as one file."
            if alike
            else None,
            hint="Keep one; give the other a free version, on a branch with `pgbraid renumber`.",
            location=Location(entries[-1].path),
            versions=(version,),
        )
    ]


def _lone_downs(
    version: int, ups: list[CandidateFile], downs: list[CandidateFile]
) -> Iterator[Problem]:
    up_names = {entry.parts.name for entry in ups}
    for down in downs:
        if down.parts.name in up_names:
            continue
        alike = case_folded(down.parts.name) in {case_folded(name) for name in up_names}
        owner = f"; version {version} is {', '.join(e.name for e in ups)}" if ups else ""
        yield Problem(
            "name_collision" if alike else "down_without_up",
            f"{down.name} has no migration with the same name{owner}",
            detail="The names differ only in case or in Unicode normalization." if alike else None,
            hint="Rename it to match its migration, or delete it.",
            location=Location(down.path),
            versions=(version,),
        )
