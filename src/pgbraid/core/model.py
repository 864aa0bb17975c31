"""Every noun of pgbraid, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pgbraid.core.durations import parse_duration
from pgbraid.errors import ConfigError, ProblemsFound

if TYPE_CHECKING:
    from datetime import datetime

    from pgbraid.core.answers import Adoption, Diagnostic, Drift, Half, Mismatch, Outcome

__all__ = [
    "NO_DIRECTIVES",
    "Applied",
    "Directives",
    "Ledger",
    "Limits",
    "Location",
    "Migration",
    "MigrationSet",
    "Plan",
    "Problem",
    "Report",
    "Severity",
    "Step",
    "Tracker",
    "Verify",
]


class Severity(StrEnum):
    """Whether a problem stops a run."""

    ERROR = "error"
    WARNING = "warning"


class Verify(StrEnum):
    """What an applied file that has changed since does to a run."""

    OFF = "off"
    WARN = "warn"
    ERROR = "error"


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


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a run waits, in seconds; 0 of a timeout stands for no limit.

    A statement waits ``lock_timeout`` for a lock, and with it whoever stands in line behind it;
    then the migration is rolled back and tried again, for ``retry_for`` in all. A statement may
    take ``statement_timeout``. A commit waits ``commit_wait`` for a synchronous standby.
    """

    lock_timeout: float = 0.5
    statement_timeout: float = 0.0
    retry_for: float = 600.0
    commit_wait: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what is no span of seconds that the server's settings can hold."""
        for name in ("lock_timeout", "statement_timeout", "retry_for", "commit_wait"):
            value = getattr(self, name)
            if isinstance(value, str) or parse_duration(value) is None:
                raise ConfigError(f"{name} must be a number of seconds, not {value!r}")

    def of(self, asked: Directives) -> Limits:
        """Return the limits of a file that asks for some of its own."""
        return Limits(
            self.lock_timeout if asked.lock_timeout is None else asked.lock_timeout,
            self.statement_timeout if asked.statement_timeout is None else asked.statement_timeout,
            self.retry_for if asked.retry_for is None else asked.retry_for,
            self.commit_wait,
        )


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
    origin: Any = field(repr=False, compare=False, default=None)
    down: str | None = None
    down_origin: Any = field(repr=False, compare=False, default=None)
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
    sums: tuple[tuple[str, str, str], ...] = field(repr=False, compare=False, default=())
    """Of each up and down file its name, its path and the sha256 of its bytes."""
    manifest: tuple[str, Any] | None = field(repr=False, compare=False, default=None)
    """The path of the source's ``pgbraid.sum``, and the file itself."""

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
    """What the database says it has: the applied set, and what is half done, by version.

    ``exists`` and ``journal`` say whether the two tables are there; ``mismatches`` are the
    versions of which they say the opposite.
    """

    applied: tuple[Applied, ...] = ()
    exists: bool = True
    halves: tuple[Half, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    journal: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to apply; a gap is lower than a version that is applied already.

    One that is ``half_done`` runs outside a transaction, and goes on where it was cut.
    """

    migration: Migration
    gap: bool = False
    half_done: bool = False


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
    halves: tuple[Half, ...] = ()
    """Migrations outside a transaction that were begun and not finished."""

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
    forgotten: Half | None = None
    """What ``resume --forget`` let go of."""
    elsewhere: tuple[Migration, ...] = ()
    """Pending when the run began, then applied by another run while this one waited."""
