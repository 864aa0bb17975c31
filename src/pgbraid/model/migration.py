"""Migrations as files, applied migrations as rows, and the problems found in either."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = [
    "LARGE_SCRIPT_BYTES",
    "NO_DIRECTIVES",
    "AppliedMigration",
    "Diagnostic",
    "Directives",
    "LedgerTable",
    "Location",
    "Migration",
    "MigrationResult",
    "MigrationSet",
    "Problem",
    "Severity",
    "digest",
    "is_digest",
]


class Severity(StrEnum):
    """Whether a problem stops a run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Directives:
    """What one file asks for in place of the run's own; spans are in seconds."""

    no_transaction: bool = False
    lock_timeout: float | None = None
    statement_timeout: float | None = None
    retry_for: float | None = None
    isolation: str | None = None
    """The isolation level of its transaction, in PostgreSQL's words; else READ COMMITTED."""
    allow_difference: str | None = None
    """The reason for which this migration, where it is late, may make a difference."""


NO_DIRECTIVES = Directives()


LARGE_SCRIPT_BYTES = 1_000_000
"""Bytes above which a file is read, looked at and run piece by piece."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; line and column are counted from 1, the column in characters."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return ``file:line:column``, as far as they are known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that stops a run (an error) or that somebody should know (a warning)."""

    code: str
    message: str
    detail: str | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    location: Location | None = None
    versions: tuple[int, ...] = ()
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file: its version, its name, and the sha256 of its bytes in hex."""

    version: int
    name: str
    file: str
    checksum: str
    size: int
    path: str
    """The file's name with its folder, as a person would type it."""
    digits: str
    """The version as the file spells it, leading zeros kept."""
    content: Any = field(repr=False, compare=False, default=None)
    down: str | None = None
    down_content: Any = field(repr=False, compare=False, default=None)
    directives: Directives = NO_DIRECTIVES
    """What the head of the file asks for."""

    @property
    def label(self) -> str:
        """The file's version and name, such as ``103_add_email``."""
        return f"{self.digits}_{self.name}"


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """All migrations of one source, ordered by version, and what is wrong with the source."""

    migrations: tuple[Migration, ...]
    problems: tuple[Problem, ...] = ()
    label: str = "memory"
    file_checksums: tuple[tuple[str, str, str], ...] = field(repr=False, compare=False, default=())
    """Of each up and down file its name, its path and the sha256 of its bytes."""
    checksum_file: tuple[str, Any] | None = field(repr=False, compare=False, default=None)
    """The path of the source's ``pgbraid.sum``, and the file itself."""

    def get(self, version: int) -> Migration | None:
        """Return the migration of that version, or None."""
        return next((m for m in self.migrations if m.version == version), None)


@dataclass(frozen=True, slots=True)
class LedgerTable:
    """Where the applied set is kept: ``schema.table``; the journal is ``table_journal``."""

    schema: str = "public"
    table: str = "applied_migrations"

    @property
    def journal(self) -> str:
        """The journal table's name."""
        return f"{self.table}_journal"

    @property
    def lock_key(self) -> int:
        """The key of its advisory lock: a signed 64-bit number.

        The first eight bytes of a sha256, so that two trackers, or a tracker and an application's
        own keys, meet with a chance of 2**-64; NUL separates the parts, as no identifier holds one.
        """
        seed = f"pgbraid\0migrate\0{self.schema}\0{self.table}"
        return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], signed=True)


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """One row of the applied set; ``checksum`` is lower-case hex, or None where adopted."""

    version: int
    name: str | None
    checksum: str | None
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What the server said, in its own slots, with the place in the file it is about.

    ``excerpt`` is the line of the file and ``caret`` the index in it, from 0, of the error;
    ``caret`` is None where the server named no position and the place is the statement's start.
    ``raced`` says that another session has changed the same row of the catalog meanwhile.
    """

    severity: str
    message: str
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    internal_query: str | None = None
    location: Location | None = None
    excerpt: str | None = None
    caret: int | None = None
    raced: bool = False


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """One migration that this run committed; ``duration`` is the server's, without COMMIT."""

    migration: Migration
    gap: bool
    duration: timedelta


def digest(data: bytes) -> str:
    """Return the checksum of a file's bytes: sha256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def is_digest(checksum: str) -> bool:
    """Whether a recorded checksum has the form of ours."""
    return re.fullmatch(r"[0-9a-f]{64}", checksum) is not None
