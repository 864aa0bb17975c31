"""Reads the texts of migrations again after loading, and checks them before anything runs.

Loading keeps only checksums, so memory does not grow with the files. Each later reading must have
the checksum of loading.
"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import (
    LARGE_SCRIPT_BYTES,
    Location,
    Migration,
    Problem,
    Severity,
    digest,
)
from pgbraid.model.options import Prelude
from pgbraid.source.files import read_chunks
from pgbraid.sql.checks.script_checks import check_parts, check_script
from pgbraid.sql.checksum import normalize_newlines
from pgbraid.sql.parser import parse
from pgbraid.sql.stream import split_stream
from pgbraid.sql.tool_text import UpSections, directives_of, up_sections

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.sql.script import Script
    from pgbraid.sql.stream import ScriptPart

__all__ = [
    "LargeFileReader",
    "check_scripts",
    "decode",
    "down_migration",
    "has_statements",
    "is_large",
    "read_bytes",
    "read_down",
    "read_prelude",
    "read_script",
]


def is_large(migration: Migration) -> bool:
    """Whether a migration is too large for memory and is read by a :class:`LargeFileReader`."""
    return migration.size > LARGE_SCRIPT_BYTES


class LargeFileReader:
    """Reads a large migration once, in parts, and verifies the checksum of loading.

    ``seen`` is the number of bytes read so far. With ``digests``, ``digest_lf`` is the sha256 of
    the text with LF line ends after the last part. Reading raises ProblemsFound if the file has
    changed since loading, at the end of the file at the latest.
    """

    def __init__(self, migration: Migration, *, digests: bool = True) -> None:
        self.seen = 0
        self._digests = digests
        self.digest_lf = ""
        self._migration = migration

    def parts(self) -> Iterator[ScriptPart]:
        """Yield the parts of the text in order."""
        return split_stream(self._up_texts())

    def executable_parts(self) -> Iterator[ScriptPart]:
        """Yield the parts as they run: without an enclosing BEGIN … COMMIT."""
        return (
            replace(part, script=part.script.without_transaction_control()) for part in self.parts()
        )

    def _up_texts(self) -> Iterator[str]:
        sections = UpSections()
        yield from map(sections.take, self._texts())
        yield sections.end()

    def read_digest_lf(self) -> str:
        """Read the whole file and return its ``digest_lf``."""
        for _ in self._texts():
            pass
        return self.digest_lf

    def _texts(self) -> Iterator[str]:
        """Yield the text without a byte-order mark, in chunks that never end between CR and LF."""
        sha, sha_lf = hashlib.sha256(), hashlib.sha256()
        decoder, held = codecs.getincrementaldecoder("utf-8-sig")(), ""
        for chunk in self._chunks():
            sha.update(chunk)
            text = held + self._decoded(decoder, chunk)
            # A CR at the end may belong to a CRLF, so it is held back for the next chunk.
            held = "\r" if text.endswith("\r") else ""
            text = text.removesuffix("\r")
            if self._digests:
                sha_lf.update((normalize_newlines(text) if "\r" in text else text).encode())
            yield text
        if sha.hexdigest() != self._migration.checksum:
            raise ProblemsFound((_changed(self._migration),))
        sha_lf.update(b"\n" if held else b"")
        self.digest_lf = sha_lf.hexdigest() if self._digests else ""
        yield held

    def _decoded(self, decoder: codecs.IncrementalDecoder, chunk: bytes) -> str:
        try:
            return decoder.decode(chunk)
        except UnicodeDecodeError:
            raise ProblemsFound((_changed(self._migration),)) from None

    def _chunks(self) -> Iterator[bytes]:
        try:
            for chunk in read_chunks(self._migration.content):
                self.seen += len(chunk)
                yield chunk
        except OSError:
            raise ProblemsFound((_changed(self._migration),)) from None


def decode(data: bytes) -> str:
    """Return a migration's bytes as text; loading has checked that they are UTF-8."""
    return data.decode()


def read_bytes(migration: Migration) -> bytes:
    """Return a migration's bytes. Raises ProblemsFound if the file has changed since loading."""
    try:
        data: bytes = migration.content.read_bytes()
    except OSError:
        data = b""
    if digest(data) != migration.checksum:
        raise ProblemsFound((_changed(migration),))
    return data


def read_script(migration: Migration) -> tuple[bytes, Script]:
    """Return a migration's bytes and the parsed text that runs.

    Raises ProblemsFound if the file has changed since loading.
    """
    data = read_bytes(migration)
    return data, parse(up_sections(decode(data)))


def read_down(migration: Migration) -> tuple[bytes, Script]:
    """Return the bytes and parsed text of the down file of a migration that has one.

    Raises ProblemsFound if the file can no longer be read.
    """
    try:
        data: bytes = migration.down_content.read_bytes()
        return data, parse(decode(data))
    except (OSError, UnicodeDecodeError):
        raise ProblemsFound((_changed(migration),)) from None


def _changed(migration: Migration) -> Problem:
    return Problem(
        "changed_during_run",
        f"{migration.file} changed while pgbraid was running",
        hint="Run the command again, for example `pgbraid up`, when the files no longer change.",
        location=Location(migration.path),
        versions=(migration.version,),
    )


def check_scripts(migrations: Iterable[Migration], *, downs: bool = False) -> Iterator[Problem]:
    """Yield the problems in the texts of these migrations.

    With ``downs``, their down files are checked too. Problems of a down file are warnings, because
    ``up`` never runs one.
    """
    for migration in migrations:
        try:
            yield from _script_problems(migration)
        except ProblemsFound as error:
            yield from error.problems
            continue
        if downs and migration.down:
            _, script = read_down(migration)
            for problem in check_script(down_migration(migration, script), script):
                if problem.code != "empty":
                    yield replace(problem, severity=Severity.WARNING)


def has_statements(migration: Migration) -> bool:
    """Whether the text has more than comments. Raises ProblemsFound as :func:`read_script`."""
    return all(problem.code != "empty" for problem in _script_problems(migration))


def _script_problems(migration: Migration) -> tuple[Problem, ...]:
    if is_large(migration):
        scripts = (part.script for part in LargeFileReader(migration, digests=False).parts())
        return check_parts(migration, scripts)
    return check_script(migration, read_script(migration)[1])


def down_migration(migration: Migration, script: Script) -> Migration:
    """Return the migration with the path and the directives of its down file."""
    folder = migration.path.removesuffix(migration.file)
    directives = directives_of(script.text)
    return replace(migration, path=f"{folder}{migration.down}", directives=directives)


def read_prelude(path: str | None) -> Prelude | None:
    """Return the prelude at a path, or None without a path. Raises ConfigError."""
    if path is None:
        return None
    try:
        return Prelude(path, Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"cannot read the prelude {path}: {reason}",
            hint="Correct the setting `prelude`; it is relative to the settings file's folder.",
        ) from None
