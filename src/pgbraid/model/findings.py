"""The findings of ``lint``: the hazards of migrations for a production database."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgbraid.model.hazards.sizes import Sizes
    from pgbraid.model.migration import Diagnostic, Migration, Problem
    from pgbraid.model.observed import FileObservation, LockMode

__all__ = ["Blocks", "Finding", "HazardReport", "HazardSeverity", "Timeline", "TimelineRow"]


class HazardSeverity(StrEnum):
    """How grave a finding is, the least grave first."""

    NONE = "none"
    """Too short to matter; in JSON and in the timeline only."""
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The place of the severity, from 0."""
        return list(HazardSeverity).index(self)

    @property
    def higher(self) -> HazardSeverity:
        """The next graver one."""
        return list(HazardSeverity)[min(self.rank + 1, HazardSeverity.ERROR.rank)]


class Blocks(StrEnum):
    """Which statements of other sessions wait."""

    READS_AND_WRITES = "reads and writes"
    WRITES = "writes"


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard of one statement.

    ``line`` and ``end_line`` count from 1. ``object`` is the table or other object. ``seconds`` is
    the estimated time for which ``blocks`` are blocked, or for which the work takes; None if the
    size is unknown or has no influence. ``held_since`` is the number of the earlier statement whose
    lock blocks. ``queries_waiting`` is the number of queries that would wait, from the rates.
    ``instead`` is SQL that does the same without the hazard, ``probe`` a query that finds rows on
    which the statement fails. ``allowed`` is the reason of the directive that allows the finding.
    """

    rule: str
    severity: HazardSeverity
    migration: Migration
    message: str
    line: int | None = None
    end_line: int | None = None
    statement_number: int | None = None
    object: str | None = None
    lock: LockMode | None = None
    blocks: Blocks | None = None
    seconds: float | None = None
    held_since: int | None = None
    rows: int | None = None
    bytes: int | None = None
    queries_waiting: int | None = None
    detail: str | None = None
    hint: str | None = None
    instead: str | None = None
    probe: str | None = None
    allowed: str | None = None
    statement: str = field(default="", repr=False)
    """The text of the statement."""
    diagnostic: Diagnostic | None = field(default=None, compare=False)
    """The server's error, if the migration failed."""


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One statement of a timeline: its estimated seconds, None if unknown, and its blocks."""

    number: int
    line: int
    text: str
    seconds: float | None
    blocks: tuple[Blocks | None, ...]
    """For each table of the timeline."""
    works_on: tuple[bool, ...]
    """For each table: whether the statement's work is on it, or its lock is held for the work."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The blocks of one migration, statement by statement, on each table."""

    migration: Migration
    tables: tuple[str, ...]
    rows: tuple[TimelineRow, ...]


@dataclass(frozen=True, slots=True)
class HazardReport:
    """The findings of the judged migrations, in their order.

    ``label`` names the judged migrations. ``problems`` are errors of directives that allow
    hazards. ``unknown_sizes`` are the tables with findings whose size is not known.
    """

    findings: tuple[Finding, ...]
    observations: tuple[FileObservation, ...]
    timelines: tuple[Timeline, ...]
    label: str
    server: str
    sizes: Sizes | None = None
    unknown_sizes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    unmeasured: str | None = None
    """Why nothing was measured, if the scratch server or the history does not allow it."""

    @property
    def failed(self) -> Diagnostic | None:
        """The error of the first migration that failed."""
        return next((file.failure for file in self.observations if file.failure), None)

    @property
    def grave_number(self) -> int:
        """The number of findings that are errors and that no directive allows."""
        grave = HazardSeverity.ERROR
        return sum(f.severity is grave and f.allowed is None for f in self.findings)

    @property
    def has_warnings(self) -> bool:
        """Whether a finding is a warning or an error, and no directive allows it."""
        return self.worst().rank >= HazardSeverity.WARNING.rank

    @property
    def is_grave(self) -> bool:
        """Whether a migration failed, an error is not allowed, or a directive is wrong."""
        grave = self.failed is not None or self.worst() is HazardSeverity.ERROR
        return grave or bool(self.problems)

    def worst(self) -> HazardSeverity:
        """Return the gravest severity of a finding that is not allowed."""
        open_ones = [finding.severity for finding in self.findings if finding.allowed is None]
        return max(open_ones, key=lambda severity: severity.rank, default=HazardSeverity.NONE)
