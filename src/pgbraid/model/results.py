"""Result types that only some commands need; separate so that a no-op boot does not import them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from pgbraid.model.findings import HazardReport
    from pgbraid.model.migration import Migration, Problem
    from pgbraid.model.proof import DriftReport, Proof

__all__ = [
    "Adoption",
    "Baselined",
    "Check",
    "ChecksumFileWritten",
    "Conversion",
    "ConvertedFile",
    "Exported",
    "Mismatch",
    "ModificationKind",
    "ModifiedFile",
    "NotReady",
    "Readiness",
    "Reconciled",
    "RenamedFile",
    "Renumbered",
    "Repair",
    "Repaired",
    "State",
    "Status",
    "StatusRow",
    "TrackerTable",
    "Undone",
]


class ModificationKind(StrEnum):
    """How an applied file differs from the recorded text."""

    COSMETIC = "cosmetic"
    """Comments or white space only: the same statements."""
    MEANING = "meaning"
    """Other statements."""
    UNKNOWN = "unknown"
    """The journal does not hold the text, so the kind is unknown."""


class State(StrEnum):
    """The state of one version."""

    APPLIED = "applied"
    PENDING = "pending"
    GAP = "gap"
    """Pending, although a higher version is applied."""
    INCOMPLETE = "incomplete"
    """Started outside a transaction, and not finished."""
    MODIFIED = "modified"
    RENAMED = "renamed"
    """Applied under another name."""
    MISSING_FILE = "missing file"
    REPLACED = "replaced"
    """Applied, and its file is replaced by a baseline."""
    ADOPTABLE = "adoptable"
    """Recorded by another tool; the next ``up`` adopts it."""


@dataclass(frozen=True, slots=True)
class TrackerTable:
    """Another tool's tracker table as it was read: columns with their types, and rows."""

    schema: str
    table: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def name(self) -> str:
        """The table as ``schema.table``."""
        return f"{self.schema}.{self.table}"

    def records(self) -> list[dict[str, Any]]:
        """Return each row as a dictionary."""
        names = [name for name, _ in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Adoption:
    """The migrations that another tool has applied, to be recorded as applied without running."""

    tool: str
    source: str
    """The tool's table as ``schema.table``."""
    migrations: tuple[Migration, ...]
    excluded: tuple[int, ...] = ()
    counter: int | None = None
    """The version of the tool's counter, if the tool keeps one."""
    note: str | None = None
    """An assumption of the adoption, for the user."""
    foreign: tuple[tuple[int, str, str | None], ...] = ()
    """For each version its key in the tool's table, and the tool's checksum of its text."""
    verified: frozenset[int] = frozenset()
    """The versions whose files have the text that the tool ran, by the tool's checksum."""
    problems: tuple[Problem, ...] = ()
    """Warnings about single migrations, such as a file that was changed since the tool ran it."""
    dry_run: bool = False
    """Whether nothing was recorded."""

    @property
    def is_empty(self) -> bool:
        """Whether the tool's table records no migration."""
        return self.counter is None and not (self.migrations or self.excluded)


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """One migration: the file of the other tool, the file of pgbraid, and what to look at."""

    source: str
    file: str
    version: int
    down: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """The result of a conversion; ``problems`` are those of the new files."""

    tool: str
    source: str
    destination: str
    files: tuple[ConvertedFile, ...]
    renumbered: bool
    """Whether the versions differ from those of the other tool."""
    problems: tuple[Problem, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """The versions that ``export`` has recorded in another tool's table."""

    tool: str
    table: str
    """The tool's table as ``schema.table``."""
    versions: tuple[int, ...]
    note: str | None = None
    """How the files must be named so that the tool finds them."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A version on which the applied set and the journal disagree.

    If ``applied``, the journal records the version as applied and the applied set lacks it. Else
    the journal records its removal, by the event ``last_event``, and the applied set has it.
    """

    version: int
    name: str | None
    checksum: str | None
    last_event: str

    @property
    def applied(self) -> bool:
        """Whether the version is applied according to the journal."""
        return self.last_event not in {"undone", "unadopted"}


@dataclass(frozen=True, slots=True)
class ModifiedFile:
    """An applied file that differs from the recorded text."""

    migration: Migration
    recorded: str
    kind: ModificationKind
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the applied versions match the files and no file was modified."""

    applied: int
    problems: tuple[Problem, ...] = ()
    offline: bool = False
    compared: bool = True
    """Whether the files were compared with the applied texts."""
    unverified: int = 0
    """The number of applied versions without a checksum, because they were adopted."""
    checksum_file_compared: bool = False
    """Whether the files were compared with ``pgbraid.sum``."""
    base: str | None = None
    """The git commit with whose migrations the files were compared."""
    proof: Proof | None = None
    """The proof of this branch, which only the command line's ``check --prove`` makes."""
    newer: tuple[int, ...] = ()
    """The applied versions without a file, if the caller accepts those of a newer release."""
    hazards: HazardReport | None = None
    """The hazards of this branch, which only the command line's ``check --lint`` looks for."""

    @property
    def ok(self) -> bool:
        """Whether there is no error, and no hazard that is one."""
        grave = self.hazards is not None and self.hazards.is_grave
        return not grave and not any(p.severity is Severity.ERROR for p in self.problems)

    def raise_for_problems(self) -> None:
        """Raise :class:`ProblemsFound` with every error, if there is one."""
        if not self.ok:
            raise ProblemsFound(
                tuple(p for p in self.problems if p.severity is Severity.ERROR),
            )


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a database has every migration with a file, and how long that took.

    ``missing`` are the migrations without a row in the applied set. ``problems`` are the other
    problems and warnings of the last answer, such as an incomplete migration.
    """

    ready: bool
    applied: int = 0
    missing: tuple[Migration, ...] = ()
    problems: tuple[Problem, ...] = ()
    newer: tuple[int, ...] = ()
    """The applied versions without a file: the database is of a newer release."""
    waited: timedelta = field(default_factory=timedelta)
    reason: str = ""
    """Why the database is not ready, such as an error of the server."""
    asked: int = 0
    """How often the ledger was read."""


class NotReady(ProblemsFound):
    """The database did not become ready in time.

    ``readiness`` is the last answer: the missing migrations, and the other ``problems``.
    """

    default_hint = "Apply the migrations with `pgbraid up`, or give more time with `timeout`."

    def __init__(self, readiness: Readiness, message: str) -> None:
        super().__init__(readiness.problems)
        self.readiness = readiness
        self.message = message
        self.args = (message,)


@dataclass(frozen=True, slots=True)
class Repaired:
    """One row of the applied set that was updated to match its file."""

    migration: Migration
    kind: ModificationKind | None = None
    """How the file had changed; None if only its name or its line ends had."""
    old_checksum: str | None = None
    old_name: str | None = None
    """The previously recorded name, if the new one was accepted."""


@dataclass(frozen=True, slots=True)
class Repair:
    """The result of ``repair``: ``unchanged`` needed no repair, ``renamed`` needs ``--rename``."""

    repaired: tuple[Repaired, ...] = ()
    unchanged: tuple[Migration, ...] = ()
    renamed: tuple[Migration, ...] = ()


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The result of ``repair --trust`` for versions on which applied set and journal disagreed.

    ``trust`` is the table that was treated as correct. ``lost`` are the versions that the applied
    set lacked, ``outdated`` those that it had although the journal records their removal.
    """

    trust: str
    missing: tuple[Mismatch, ...] = ()
    outdated: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Baselined:
    """The result of ``baseline``: the migrations that were recorded as applied without running."""

    migrations: tuple[Migration, ...]
    previously_applied: int = 0
    """The number of named migrations that were already applied."""
    drift: DriftReport | None = None
    """With ``verify``, the comparison of the database with a replay of the migrations; if they
    differ, nothing was recorded."""

    @property
    def ok(self) -> bool:
        """Whether the migrations are recorded."""
        return self.drift is None or self.drift.ok


@dataclass(frozen=True, slots=True)
class Undone:
    """The result of ``undo``: the undone migration, and the duration on the server."""

    migration: Migration
    duration: timedelta


@dataclass(frozen=True, slots=True)
class ChecksumFileWritten:
    """The result of ``sum``: the file written, and the number of files that it lists."""

    file: str
    listed: int
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class RenamedFile:
    """A file that got another version: its old and its new path, and the two versions."""

    old: str
    new: str
    old_version: int
    version: int


@dataclass(frozen=True, slots=True)
class Renumbered:
    """The result of ``renumber``: the renamed files, those of one migration side by side."""

    base: str
    files: tuple[RenamedFile, ...] = ()
    checksum_file: str | None = None
    """The path of ``pgbraid.sum``, if it lists a renamed file."""
    notes: tuple[str, ...] = ()
    """Consequences that the user should know about, such as a text that has an old name."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One version that has a file, a row of the applied set, or both."""

    version: int
    name: str
    state: State
    applied_at: datetime | None = None
    file: str | None = None
    """The path of its file."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of every version, ordered by version."""

    rows: tuple[StatusRow, ...]
    problems: tuple[Problem, ...] = ()
    adoption: Adoption | None = None

    def count(self, state: State) -> int:
        """Return the number of versions in a state."""
        return sum(row.state == state for row in self.rows)
