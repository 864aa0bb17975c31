"""The nouns of what was found and done, apart from those that every run needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Severity

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pgbraid.model.migration import Migration, Problem

__all__ = [
    "Adoption",
    "Baselined",
    "Check",
    "ChecksumFileWritten",
    "Mismatch",
    "ModificationKind",
    "ModifiedFile",
    "Reconciled",
    "Repair",
    "Repaired",
    "State",
    "Status",
    "StatusRow",
    "TrackerTable",
    "Undone",
]


class ModificationKind(StrEnum):
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
    INCOMPLETE = "incomplete"
    """Begun outside a transaction, and not finished."""
    MODIFIED = "modified"
    RENAMED = "renamed"
    """Applied under another name."""
    MISSING_FILE = "missing file"
    ADOPTABLE = "adoptable"
    """Recorded by another tool; the next ``up`` adopts it."""


@dataclass(frozen=True, slots=True)
class TrackerTable:
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
class Mismatch:
    """A version of which the applied set and the journal say the opposite.

    Where ``applied``, the journal says that it is applied and the set lacks it; else the journal
    says that it was taken out, by the event ``last_event``, and the set has it.
    """

    version: int
    name: str | None
    checksum: str | None
    last_event: str

    @property
    def applied(self) -> bool:
        """Whether the journal says that the version is applied."""
        return self.last_event not in {"undone", "unadopted"}


@dataclass(frozen=True, slots=True)
class ModifiedFile:
    """An applied file that is not what was recorded."""

    migration: Migration
    recorded: str
    kind: ModificationKind
    diff: str | None = None


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
    checksum_file_compared: bool = False
    """Whether the files were compared with ``pgbraid.sum``."""

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
    kind: ModificationKind | None = None
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
class Reconciled:
    """What ``repair --trust`` did where the applied set and the journal said the opposite.

    ``trust`` names the side that was right. ``missing`` are the versions that only the journal had
    as applied, ``outdated`` those that only the applied set had.
    """

    trust: str
    missing: tuple[Mismatch, ...] = ()
    outdated: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Baselined:
    """What ``baseline`` did: the migrations that are recorded as applied, and were not run."""

    migrations: tuple[Migration, ...]
    previously_applied: int = 0
    """How many of those named were applied before."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What ``undo`` did: which down file it ran, and how long that took on the server."""

    migration: Migration
    duration: timedelta


@dataclass(frozen=True, slots=True)
class ChecksumFileWritten:
    """What ``sum`` wrote: which file, and how many it lists."""

    file: str
    listed: int
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One version of the union of files and applied set."""

    version: int
    name: str
    state: State
    applied_at: datetime | None = None
    file: str | None = None
    """The path of its file, as a migration's."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where every version stands, ordered by version."""

    rows: tuple[StatusRow, ...]
    problems: tuple[Problem, ...] = ()
    adoption: Adoption | None = None

    def count(self, state: State) -> int:
        """Return how many versions are in that state."""
        return sum(row.state == state for row in self.rows)
