"""The state of the ledger, the plan of a run, and its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import AppliedMigration, Migration, Problem, Severity

if TYPE_CHECKING:
    from pgbraid.model.findings import HazardReport
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.model.migration import Diagnostic, MigrationResult
    from pgbraid.model.results import Adoption, Mismatch, ModifiedFile

__all__ = ["LedgerState", "Plan", "ReplacedRows", "Report", "Step"]


@dataclass(frozen=True, slots=True)
class ReplacedRows:
    """The applied rows of migrations that a baseline replaces, and the versions that lack a row.

    If none is ``lacking``, the baseline counts as applied.
    """

    baseline: Migration
    rows: tuple[AppliedMigration, ...]
    lacking: tuple[int, ...] = ()

    @property
    def taken_over(self) -> bool:
        """Whether the baseline counts as applied by the row of a file that it replaces."""
        versions = {row.version for row in self.rows}
        return not self.lacking and self.baseline.version in versions


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The ledger as it was read: the applied set and the incomplete migrations, by version.

    ``exists`` is whether the applied set's table exists, ``journal`` whether the journal does.
    ``mismatches`` are the versions on which the two tables disagree. The rows of ``replaced`` are
    not in ``applied``: the row of their baseline stands there, if it counts as applied.
    """

    applied: tuple[AppliedMigration, ...] = ()
    exists: bool = True
    incomplete: tuple[IncompleteMigration, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    journal: bool = True
    replaced: tuple[ReplacedRows, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to apply. A ``gap`` is lower than a version that is already applied.

    An ``incomplete`` migration runs outside a transaction and resumes at its next statement.
    """

    migration: Migration
    gap: bool = False
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The migrations that ``up`` would apply now, and all problems of files and database."""

    steps: tuple[Step, ...] = ()
    applied: tuple[AppliedMigration, ...] = ()
    above_target: tuple[Step, ...] = ()
    """Pending migrations above the version ``to``."""
    missing_files: tuple[AppliedMigration, ...] = ()
    """Applied versions without a file."""
    modified_files: tuple[ModifiedFile, ...] = ()
    adoption: Adoption | None = None
    problems: tuple[Problem, ...] = ()
    ledger_exists: bool = True
    incomplete: tuple[IncompleteMigration, ...] = ()
    """Nontransactional migrations that started and did not finish."""
    replaced: tuple[ReplacedRows, ...] = ()
    """The applied versions whose files a baseline replaces."""

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
        return bool(self.steps or (self.adoption and not self.adoption.is_empty))

    def raise_for_problems(self) -> None:
        """Raise :class:`ProblemsFound` with every error, if there is one."""
        if self.errors:
            raise ProblemsFound(self.errors)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one run of ``up``.

    Only a dry run fills ``failures``, because it reports all failures; any other run raises the
    first one.
    """

    applied: tuple[MigrationResult, ...] = ()
    adoption: Adoption | None = None
    previously_applied: int = 0
    """The number of migrations that were applied before this run."""
    above_target: tuple[Step, ...] = ()
    warnings: tuple[Problem, ...] = ()
    run_id: str | None = None
    dry_run: bool = False
    failures: tuple[tuple[Migration, Diagnostic], ...] = ()
    inconclusive: tuple[tuple[Migration, Diagnostic], ...] = ()
    """Migrations that a dry run cannot try: they need an earlier migration to be committed."""
    would_apply: tuple[MigrationResult, ...] = ()
    """Migrations that succeeded in a dry run and were rolled back."""
    forgotten: IncompleteMigration | None = None
    """The incomplete migration that ``resume --forget`` abandoned."""
    applied_elsewhere: tuple[Migration, ...] = ()
    """Pending migrations that another run applied while this one waited."""
    hazards: HazardReport | None = None
    """The hazards of the pending migrations, if the setting ``hazards`` is not off."""
