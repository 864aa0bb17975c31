"""Every noun of pgbraid, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pgbraid.errors import ProblemsFound

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = [
    "MAX_VERSION",
    "Adoption",
    "Applied",
    "Check",
    "Diagnostic",
    "Drift",
    "DriftKind",
    "Foreign",
    "Ledger",
    "Location",
    "Migration",
    "MigrationSet",
    "Outcome",
    "Plan",
    "Problem",
    "Repair",
    "Repaired",
    "Report",
    "Severity",
    "State",
    "Status",
    "StatusRow",
    "Step",
    "Tracker",
    "Undone",
    "Verify",
]

MAX_VERSION = 2**63 - 1
"""The highest version: PostgreSQL's bigint."""


class Severity(StrEnum):
    """Whether a problem stops a run."""

    ERROR = "error"
    WARNING = "warning"


class Verify(StrEnum):
    """What an applied file that has changed since does to a run."""

    OFF = "off"
    WARN = "warn"
    ERROR = "error"


class DriftKind(StrEnum):
    """How an applied file differs from what was recorded."""

    COSMETIC = "cosmetic"
    """Comments or white space only: the same statements."""
    MEANING = "meaning"
    """Other statements."""
    UNKNOWN = "unknown"
    """The recorded text was not kept, so nobody can say."""


class State(StrEnum):
    """Where one version stands."""

    APPLIED = "applied"
    PENDING = "pending"
    GAP = "gap"
    """Pending, although a higher version is applied."""
    DRIFTED = "drifted"
    RENAMED = "renamed"
    """Applied under another name."""
    MISSING_FILE = "missing file"
    ADOPTABLE = "adoptable"
    """Recorded by another tool; the next ``up`` adopts it."""


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
class Diagnostic:
    """What the server said, in its own slots, with the place in the file it is about.

    ``excerpt`` is the line of the file and ``caret`` the index in it, from 0, of the error;
    ``caret`` is None where the server named no position and the place is the statement's start.
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
    origin: Any = field(repr=False, compare=False, default=None)
    down: str | None = None
    down_origin: Any = field(repr=False, compare=False, default=None)

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

    def get(self, version: int) -> Migration | None:
        """Return the migration of that version, or None."""
        return next((m for m in self.migrations if m.version == version), None)


@dataclass(frozen=True, slots=True)
class Tracker:
    """Where the applied set is kept: ``schema.table``; the journal is ``table_journal``."""

    schema: str = "public"
    table: str = "applied_migrations"

    @property
    def journal(self) -> str:
        """The journal table's name."""
        return f"{self.table}_journal"


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of the applied set; ``checksum`` is lower-case hex, or None where adopted."""

    version: int
    name: str | None
    checksum: str | None
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the database says it has: the applied set, ordered by version."""

    applied: tuple[Applied, ...] = ()
    exists: bool = True


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another tool's tracker table as it was found: columns with their types, and its rows."""

    schema: str
    table: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Adoption:
    """The migrations that another tool has applied, to be entered in the set unrun."""

    tool: str
    source: str
    """The tool's table as ``schema.table``."""
    migrations: tuple[Migration, ...]
    excluded: tuple[int, ...] = ()
    counter: int | None = None
    """The version that a counter says, where the tool has one."""
    note: str | None = None
    """What had to be assumed, for a person to read."""


@dataclass(frozen=True, slots=True)
class Drift:
    """An applied file that is not what was recorded."""

    migration: Migration
    recorded: str
    kind: DriftKind
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to apply; a gap is lower than a version that is applied already."""

    migration: Migration
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``up`` would do now, and everything that speaks against it."""

    steps: tuple[Step, ...] = ()
    applied: tuple[Applied, ...] = ()
    later: tuple[Step, ...] = ()
    """Pending, but above the version that ``to`` names."""
    missing: tuple[Applied, ...] = ()
    """Applied versions that have no file."""
    drifts: tuple[Drift, ...] = ()
    adoption: Adoption | None = None
    problems: tuple[Problem, ...] = ()
    tracker_exists: bool = True

    @property
    def gaps(self) -> tuple[Step, ...]:
        """The steps that are gaps."""
        return tuple(step for step in self.steps if step.gap)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a run."""
        return tuple(p for p in self.problems if p.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not stop a run."""
        return tuple(p for p in self.problems if p.severity is Severity.WARNING)

    @property
    def has_work(self) -> bool:
        """Whether ``up`` would write anything."""
        return bool(self.steps or (self.adoption and self.adoption.counter is not None))

    def raise_for_problems(self) -> None:
        """Raise :class:`ProblemsFound` with every error, if there is one."""
        if self.errors:
            raise ProblemsFound(self.errors)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One migration that this run committed; ``duration`` is the server's, without COMMIT."""

    migration: Migration
    gap: bool
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Report:
    """What one run of ``up`` did.

    ``failures`` is filled by a dry run only: there every failure is reported, elsewhere the
    first one is raised.
    """

    applied: tuple[Outcome, ...] = ()
    adoption: Adoption | None = None
    already: int = 0
    """How many migrations were applied before this run."""
    later: tuple[Step, ...] = ()
    warnings: tuple[Problem, ...] = ()
    run_id: str | None = None
    dry_run: bool = False
    failures: tuple[tuple[Migration, Diagnostic], ...] = ()
    inconclusive: tuple[tuple[Migration, Diagnostic], ...] = ()
    """What a dry run cannot try: it fails there only for want of an earlier commit."""
    rehearsed: tuple[Outcome, ...] = ()
    """What ran well in a dry run; nothing of it was kept."""
    elsewhere: tuple[Migration, ...] = ()
    """Pending when the run began, then applied by another run while this one waited."""


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the applied set is exactly the files' and nothing has drifted."""

    applied: int
    problems: tuple[Problem, ...] = ()
    offline: bool = False
    compared: bool = True
    """Whether the texts were compared with what was applied."""
    unverified: int = 0
    """How many of the applied have no checksum to compare with, as they were adopted."""

    @property
    def ok(self) -> bool:
        """Whether the answer is yes."""
        return not any(p.severity is Severity.ERROR for p in self.problems)

    def raise_for_problems(self) -> None:
        """Raise :class:`ProblemsFound` with every error, if the answer is no."""
        if not self.ok:
            raise ProblemsFound(
                tuple(p for p in self.problems if p.severity is Severity.ERROR),
            )


@dataclass(frozen=True, slots=True)
class Repaired:
    """One row of the set that was made to agree with its file."""

    migration: Migration
    kind: DriftKind | None = None
    """How the file had changed; None where only its name had, or its line ends."""
    old_checksum: str | None = None
    old_name: str | None = None
    """The name it was applied under, where the new one was accepted."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What ``repair`` did; ``unchanged`` needed nothing, ``renamed`` needs another word."""

    repaired: tuple[Repaired, ...] = ()
    unchanged: tuple[Migration, ...] = ()
    renamed: tuple[Migration, ...] = ()


@dataclass(frozen=True, slots=True)
class Undone:
    """What ``undo`` did: which down file it ran, and how long that took on the server."""

    migration: Migration
    duration: timedelta


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One version of the union of files and applied set."""

    version: int
    name: str
    state: State
    applied_at: datetime | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Where every version stands, ordered by version."""

    rows: tuple[StatusRow, ...]
    problems: tuple[Problem, ...] = ()
    adoption: Adoption | None = None

    def count(self, state: State) -> int:
        """Return how many versions are in that state."""
        return sum(row.state == state for row in self.rows)
