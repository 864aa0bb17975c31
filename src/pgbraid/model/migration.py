"""Migration files, applied migrations, and their problems."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pgbraid.model.units import LARGE_SCRIPT_BYTES

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = [
    "LARGE_SCRIPT_BYTES",
    "NO_DIRECTIVES",
    "AllowedHazard",
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


_DIGEST_LENGTH = 64


class Severity(StrEnum):
    """Whether a problem stops a run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class AllowedHazard:
    """A hazard that a file allows: the rule, the table or None for every one, and the reason."""

    rule: str
    table: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Directives:
    """Parameters that one file overrides; durations are in seconds."""

    no_transaction: bool = False
    lock_timeout: float | None = None
    statement_timeout: float | None = None
    retry_for: float | None = None
    isolation: str | None = None
    """The isolation level of its transaction, as PostgreSQL spells it; None is READ COMMITTED."""
    allow_difference: str | None = None
    """The reason why this migration, applied out of order, may give another result."""
    replaces: tuple[int, ...] = ()
    """Of a baseline: the versions whose migrations it replaces, in order, its own included."""
    earlier_baselines: tuple[tuple[int, str], ...] = ()
    """Version and name of each baseline among them; its row stands for the versions up to it."""
    allowed_hazards: tuple[AllowedHazard, ...] = ()
    """Findings of ``lint`` that do not fail it."""


NO_DIRECTIVES = Directives()


@dataclass(frozen=True, slots=True)
class Location:
    """A position in a file; line and column count from 1, the column in characters."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return ``file:line:column``, without the parts that are None."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that stops a run (an error) or that the user should know about (a warning)."""

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
    """The file's name with its folder, for messages."""
    digits: str
    """The version as it is written in the file's name, with leading zeros."""
    content: Any = field(repr=False, compare=False, default=None)
    down: str | None = None
    down_content: Any = field(repr=False, compare=False, default=None)
    directives: Directives = NO_DIRECTIVES
    """The directives at the head of the file."""

    @property
    def label(self) -> str:
        """Version and name, such as ``103_add_email``."""
        return f"{self.digits}_{self.name}"


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """All migrations of one source, ordered by version, and the problems of the source."""

    migrations: tuple[Migration, ...]
    problems: tuple[Problem, ...] = ()
    label: str = "memory"
    file_checksums: tuple[tuple[str, str, str], ...] = field(repr=False, compare=False, default=())
    """Name, path and sha256 of each up and down file."""
    checksum_file: tuple[str, Any] | None = field(repr=False, compare=False, default=None)
    """The path of the source's ``pgbraid.sum``, and the file itself."""
    origin_file: tuple[str, Any] | None = field(repr=False, compare=False, default=None)
    """The path of the source's ``pgbraid.origin.json``, and the file itself."""

    def get(self, version: int) -> Migration | None:
        """Return the migration with a version, or None."""
        return next((m for m in self.migrations if m.version == version), None)


@dataclass(frozen=True, slots=True)
class LedgerTable:
    """The names of the ledger's tables: ``schema.table`` and its journal."""

    schema: str = "public"
    table: str = "applied_migrations"
    journal: str = field(init=False, repr=False, compare=False)
    """The journal table's name."""

    def __post_init__(self) -> None:
        """Derive the journal's name."""
        object.__setattr__(self, "journal", f"{self.table}_journal")

    @property
    def lock_key(self) -> int:
        """The key of the ledger's advisory lock: a signed 64-bit number.

        The key is the first eight bytes of a sha256, so two ledgers, or a ledger and a key of an
        application, collide with probability 2**-64.
        """
        # NUL separates the parts because no identifier can contain it.
        seed = f"pgbraid\0migrate\0{self.schema}\0{self.table}"
        return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], signed=True)


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """One row of the applied set; ``checksum`` is lower-case hex, or None if it was adopted."""

    version: int
    name: str | None
    checksum: str | None
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or notice of the server, with its location in the migration file.

    ``excerpt`` is the line of the file, ``caret`` the index (from 0) of the error in that line.
    If the server reported no position, ``caret`` is None and ``location`` is the start of the
    statement. ``raced``: another session concurrently changed the same row of the catalog.
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
    """A migration that this run committed; ``duration`` is the server's, without COMMIT."""

    migration: Migration
    gap: bool
    duration: timedelta


def digest(data: bytes) -> str:
    """Return the checksum of a file's bytes: sha256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def is_digest(checksum: str) -> bool:
    """Whether a recorded checksum has the form of :func:`digest`."""
    # Without `re`: each boot asks this of each row.
    return len(checksum) == _DIGEST_LENGTH and not checksum.strip("0123456789abcdef")
