"""The texts of migrations: read again as they were loaded, and inspected before anything runs."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import (
    LARGE_SCRIPT_BYTES,
    Location,
    Migration,
    Problem,
    Severity,
    digest,
)
from pgbraid.source.files import read_pieces
from pgbraid.sql.checks.script_checks import check_parts, check_script
from pgbraid.sql.checksum import normalize_newlines
from pgbraid.sql.directives import read_directives
from pgbraid.sql.parser import parse
from pgbraid.sql.stream import split_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.sql.script import Script
    from pgbraid.sql.stream import ScriptPart

__all__ = [
    "LargeFileReader",
    "check_scripts",
    "decode",
    "down_migration",
    "is_large",
    "read_down",
    "read_script",
]


def is_large(migration: Migration) -> bool:
    """Whether a migration is too large to hold, so that a :class:`LargeFileReader` reads it."""
    return migration.size > LARGE_SCRIPT_BYTES


class LargeFileReader:
    """One pass through a large migration, which is the one that was hashed at loading.

    Its parts come in order; after the last one, ``digest_lf`` is the sha256 of the text with
    its lines ended by a line feed, if ``digests`` was asked for. ``seen`` is how many bytes
    were read so far. The parts raise ProblemsFound, at the end of the file at the latest, where
    it has changed since.
    """

    def __init__(self, migration: Migration, *, digests: bool = True) -> None:
        self.seen = 0
        self._digests = digests
        self.digest_lf = ""
        self._migration = migration

    def parts(self) -> Iterator[ScriptPart]:
        """Yield the text's parts."""
        return split_stream(self._texts())

    def executable_parts(self) -> Iterator[ScriptPart]:
        """Yield them as they run: without the BEGIN … COMMIT that may stand round them."""
        return (
            replace(part, script=part.script.without_transaction_control()) for part in self.parts()
        )

    def read_digest_lf(self) -> str:
        """Read it for the sake of its digest alone."""
        for _ in self._texts():
            pass
        return self.digest_lf

    def _texts(self) -> Iterator[str]:
        """Yield the text without a byte-order mark, no piece ending between CR and LF."""
        sha, sha_lf = hashlib.sha256(), hashlib.sha256()
        decoder, held = codecs.getincrementaldecoder("utf-8-sig")(), ""
        for piece in self._pieces():
            sha.update(piece)
            text = held + self._decoded(decoder, piece)
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

    def _decoded(self, decoder: codecs.IncrementalDecoder, piece: bytes) -> str:
        try:
            return decoder.decode(piece)
        except UnicodeDecodeError:
            raise ProblemsFound((_changed(self._migration),)) from None

    def _pieces(self) -> Iterator[bytes]:
        try:
            for piece in read_pieces(self._migration.content):
                self.seen += len(piece)
                yield piece
        except OSError:
            raise ProblemsFound((_changed(self._migration),)) from None


def decode(data: bytes) -> str:
    """Return a migration's bytes as text; they were found to be UTF-8 when they were loaded."""
    return data.decode()


def read_script(migration: Migration) -> tuple[bytes, Script]:
    """Return a migration's bytes and text, which are the ones that were hashed at loading.

    Raises ProblemsFound if the file has changed since.
    """
    try:
        data: bytes = migration.content.read_bytes()
    except OSError:
        data = b""
    if digest(data) != migration.checksum:
        raise ProblemsFound((_changed(migration),))
    return data, parse(decode(data))


def read_down(migration: Migration) -> tuple[bytes, Script]:
    """Return the bytes and text of a migration's down file, which must be there.

    Raises ProblemsFound if it cannot be read any more.
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
        hint="Run `pgbraid up` again when the folder is at rest.",
        location=Location(migration.path),
        versions=(migration.version,),
    )


def check_scripts(migrations: Iterable[Migration], *, downs: bool = False) -> Iterator[Problem]:
    """Yield what must not be in the texts of these migrations.

    With ``downs`` their down files are looked at too; as ``up`` never runs one, what is wrong
    with it is a warning.
    """
    for migration in migrations:
        try:
            yield from _inspected(migration)
        except ProblemsFound as error:
            yield from error.problems
            continue
        if downs and migration.down:
            _, script = read_down(migration)
            for problem in check_script(down_migration(migration, script), script):
                if problem.code != "empty":
                    yield replace(problem, severity=Severity.WARNING)


def _inspected(migration: Migration) -> tuple[Problem, ...]:
    if is_large(migration):
        scripts = (part.script for part in LargeFileReader(migration, digests=False).parts())
        return check_parts(migration, scripts)
    return check_script(migration, read_script(migration)[1])


def down_migration(migration: Migration, script: Script) -> Migration:
    """Return the migration as its down file, of that script, to speak of that file."""
    folder = migration.path.removesuffix(migration.file)
    asked = read_directives(script.text)
    return replace(migration, path=f"{folder}{migration.down}", directives=asked)
