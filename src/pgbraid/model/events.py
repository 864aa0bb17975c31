"""What a run tells while it goes on, for whoever listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.model.migration import Diagnostic, Migration, MigrationResult
    from pgbraid.model.plan import Plan, Step
    from pgbraid.model.proof import Proof
    from pgbraid.model.results import Adoption

__all__ = [
    "Adopted",
    "BlockedByLock",
    "DryRunPassed",
    "Event",
    "FileProgress",
    "Finished",
    "GapProven",
    "IndexProgress",
    "Interrupted",
    "LeftoverDropped",
    "Listener",
    "Planned",
    "ProofStarted",
    "ReplayStarted",
    "Retrying",
    "ServerNotice",
    "Started",
    "StatementSkipped",
    "WaitingForLock",
]


@dataclass(frozen=True, slots=True)
class WaitingForLock:
    """Another session holds the lock; told once, after a second. ``holder`` is for a person."""

    holder: str


@dataclass(frozen=True, slots=True)
class BlockedByLock:
    """A statement waits for ``wanted``, which ``blockers`` have; told when those change."""

    wanted: str
    blockers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retrying:
    """Other sessions were in a migration's way, it was rolled back, and is tried again.

    It got no lock in time, met a deadlock, could not be serialized, or another session changed the
    same row of the catalog meanwhile.

    ``attempt`` counts from 1 those that failed; ``delay`` is in seconds; ``blockers`` were seen
    in its way.
    """

    migration: Migration
    attempt: int
    delay: float
    blockers: tuple[str, ...]
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """An index of ``table`` is being built; ``done`` of ``total`` blocks or rows of a phase."""

    table: str
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LeftoverDropped:
    """What an interrupted statement of ours had left is taken away by this one."""

    migration: Migration
    statement: str


@dataclass(frozen=True, slots=True)
class StatementSkipped:
    """A statement, by its number from 1, is taken for done, as somebody decided."""

    migration: Migration
    number: int
    statement: str


@dataclass(frozen=True, slots=True)
class ProofStarted:
    """A proof begins: which of these migrations are late, and how many replays it takes at most.

    ``common`` is how many both orders begin with, which are run once.
    """

    order: tuple[Migration, ...]
    out_of_order: tuple[Migration, ...]
    inversions: int
    common: int
    most_replays: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GapProven:
    """Late migrations end as if they had come in time, or what differs is allowed."""

    proof: Proof


@dataclass(frozen=True, slots=True)
class ReplayStarted:
    """An order is replayed on a scratch database; ``total`` is how many it takes at most."""

    what: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Planned:
    """The lock is held and this is what will be done."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Adopted:
    """Another tool's migrations are entered in the set and committed."""

    adoption: Adoption


@dataclass(frozen=True, slots=True)
class Started:
    """A migration's transaction begins; ``index`` counts from 1."""

    step: Step
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class FileProgress:
    """A large migration is on its way; ``sent`` of its bytes were read and sent."""

    step: Step
    sent: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A migration is committed."""

    outcome: MigrationResult
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class DryRunPassed:
    """In a dry run: a migration ran, and nothing of it will be kept."""

    outcome: MigrationResult
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A migration was interrupted; ``applied`` is None where its outcome is not known.

    One that is ``incomplete`` runs outside a transaction and goes on where it was cut.
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
    WaitingForLock
    | BlockedByLock
    | Retrying
    | IndexProgress
    | LeftoverDropped
    | StatementSkipped
    | Planned
    | ProofStarted
    | GapProven
    | ReplayStarted
    | Adopted
    | Started
    | FileProgress
    | Finished
    | DryRunPassed
    | Interrupted
    | ServerNotice
)
"""Anything a run tells."""

Listener: TypeAlias = "Callable[[Event], None]"
"""A function that is called with each event, in the thread of the run."""
