"""Events that a run reports to the caller's listener while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.model.findings import HazardReport
    from pgbraid.model.migration import Diagnostic, Migration, MigrationResult
    from pgbraid.model.plan import Plan, Report, Step
    from pgbraid.model.proof import Proof
    from pgbraid.model.results import Adoption, Undone

__all__ = [
    "Adopted",
    "BlockedByLock",
    "Database",
    "DryRunPassed",
    "Event",
    "FileProgress",
    "Finished",
    "GapProven",
    "HazardsMeasured",
    "IndexProgress",
    "Interrupted",
    "LeftoverDropped",
    "Listener",
    "Planned",
    "ProofStarted",
    "ReplayStarted",
    "Retrying",
    "RunEnded",
    "RunStarted",
    "ServerNotice",
    "Started",
    "StatementSkipped",
    "WaitingForLock",
    "WaitingForMigrations",
]


@dataclass(frozen=True, slots=True)
class WaitingForLock:
    """Another session holds the lock; ``holder`` describes it, ``waited`` is in seconds.

    Reported after a second, and then every half minute.
    """

    holder: str
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Database:
    """The server and the database of a run, as the connection reports them; no secrets.

    ``label`` is the text of messages; ``host`` is a folder for a Unix socket.
    """

    label: str
    name: str
    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run with something to do begins; the lock is not taken yet.

    ``command`` is up, dry run, resume, undo or adopt; ``pending`` counts the migrations to run.
    """

    command: str
    database: Database
    pending: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run ended that :class:`RunStarted` reported: with a result, or with an exception.

    ``result`` is what the method returns. An exception is raised to the caller as well.
    """

    command: str
    seconds: float
    result: Report | Undone | Adoption | None = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class WaitingForMigrations:
    """The database is not ready; reported when the ``reason`` changes."""

    reason: str


@dataclass(frozen=True, slots=True)
class BlockedByLock:
    """A statement waits for ``lock``, held by ``blockers``.

    Reported when the blockers change, and every half minute.
    """

    lock: str
    blockers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retrying:
    """A migration was rolled back because of other sessions, and will be tried again.

    The causes are a lock timeout, a deadlock, a serialization failure, and a row of the catalog
    that another session changed concurrently. ``attempt`` counts the failed attempts from 1;
    ``delay`` is in seconds; ``blockers`` are the sessions that blocked the migration.
    """

    migration: Migration
    attempt: int
    delay: float
    blockers: tuple[str, ...]
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """An index of ``table`` is being built: ``done`` of ``total`` blocks or rows of a phase."""

    table: str
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LeftoverDropped:
    """``statement`` drops the leftovers of an interrupted statement of the migration."""

    migration: Migration
    statement: str


@dataclass(frozen=True, slots=True)
class StatementSkipped:
    """The statement ``number`` (from 1) counts as completed, by the user's decision."""

    migration: Migration
    number: int
    statement: str


@dataclass(frozen=True, slots=True)
class ProofStarted:
    """A proof begins.

    ``out_of_order`` are the migrations of ``order`` that are out of order. ``common`` counts the
    migrations that both orders begin with and that run once. ``most_replays`` is the maximum.
    """

    order: tuple[Migration, ...]
    out_of_order: tuple[Migration, ...]
    inversions: int
    common: int
    most_replays: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GapProven:
    """Out-of-order migrations give the same result as in order, or an allowed difference."""

    proof: Proof


@dataclass(frozen=True, slots=True)
class HazardsMeasured:
    """The pending migrations ran on a scratch server; ``report`` has their hazards."""

    report: HazardReport


@dataclass(frozen=True, slots=True)
class ReplayStarted:
    """A replay begins; ``description`` names its order, ``total`` is the maximum of replays."""

    description: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Planned:
    """The lock is held, and the run will execute this plan.

    ``run_id`` is that of the journal; None in a dry run, which writes none.
    """

    plan: Plan
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """Another tool's migrations are recorded as applied, and committed."""

    adoption: Adoption


@dataclass(frozen=True, slots=True)
class Started:
    """A migration's transaction begins; ``index`` counts from 1."""

    step: Step
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class FileProgress:
    """A large migration is being sent; ``sent`` is the number of bytes so far."""

    step: Step
    sent: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A migration is committed."""

    result: MigrationResult
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class DryRunPassed:
    """A migration ran in a dry run, which will roll it back."""

    result: MigrationResult
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A migration was interrupted; ``applied`` is None if its outcome is unknown.

    If ``incomplete``, it runs outside a transaction; the next run resumes it.
    """

    step: Step
    applied: bool | None
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class ServerNotice:
    """The server sent a notice while a migration ran."""

    migration: Migration
    diagnostic: Diagnostic


Event: TypeAlias = (
    RunStarted
    | RunEnded
    | WaitingForLock
    | WaitingForMigrations
    | BlockedByLock
    | Retrying
    | IndexProgress
    | LeftoverDropped
    | StatementSkipped
    | Planned
    | ProofStarted
    | GapProven
    | HazardsMeasured
    | ReplayStarted
    | Adopted
    | Started
    | FileProgress
    | Finished
    | DryRunPassed
    | Interrupted
    | ServerNotice
)
"""Any event of a run."""

Listener: TypeAlias = "Callable[[Event], None]"
"""A function that is called with each event, in the thread of the run."""
