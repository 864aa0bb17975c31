"""What the database has, and what a run would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import AppliedMigration, Migration, Problem, Severity

if TYPE_CHECKING:
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.model.migration import Diagnostic, MigrationResult
    from pgbraid.model.results import Adoption, Mismatch, ModifiedFile

__all__ = ["LedgerState", "Plan", "Report", "Step"]


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What the database says it has: the applied set, and what is incomplete, by version.

    ``exists`` and ``journal`` say whether the two tables are there; ``mismatches`` are the
    versions of which they say the opposite.
    """

    applied: tuple[AppliedMigration, ...] = ()
    exists: bool = True
    incomplete: tuple[IncompleteMigration, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    journal: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to apply; a gap is lower than a version that is applied already.

    One that is ``incomplete`` runs outside a transaction, and goes on where it was cut.
    """

    migration: Migration
    gap: bool = False
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``up`` would do now, and everything that speaks against it."""

    steps: tuple[Step, ...] = ()
    applied: tuple[AppliedMigration, ...] = ()
    above_target: tuple[Step, ...] = ()
    """Pending, but above the version that ``to`` names."""
    missing_files: tuple[AppliedMigration, ...] = ()
    """Applied versions that have no file."""
    modified_files: tuple[ModifiedFile, ...] = ()
    adoption: Adoption | None = None
    problems: tuple[Problem, ...] = ()
    ledger_exists: bool = True
    incomplete: tuple[IncompleteMigration, ...] = ()
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

    applied: tuple[MigrationResult, ...] = ()
    adoption: Adoption | None = None
    previously_applied: int = 0
    """How many migrations were applied before this run."""
    above_target: tuple[Step, ...] = ()
    warnings: tuple[Problem, ...] = ()
    run_id: str | None = None
    dry_run: bool = False
    failures: tuple[tuple[Migration, Diagnostic], ...] = ()
    inconclusive: tuple[tuple[Migration, Diagnostic], ...] = ()
    """What a dry run cannot try: it fails there only for want of an earlier commit."""
    would_apply: tuple[MigrationResult, ...] = ()
    """What ran well in a dry run; nothing of it was kept."""
    forgotten: IncompleteMigration | None = None
    """What ``resume --forget`` let go of."""
    applied_elsewhere: tuple[Migration, ...] = ()
    """Pending when the run began, then applied by another run while this one waited."""
