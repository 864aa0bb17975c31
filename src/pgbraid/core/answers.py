"""The nouns of what was found and done, apart from those that every run needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pgbraid.core.model import Severity
from pgbraid.errors import ProblemsFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from pgbraid.core.model import Location, Migration, Problem

__all__ = [
    "Adoption",
    "Baselined",
    "Begun",
    "Check",
    "Diagnostic",
    "Drift",
    "DriftKind",
    "Foreign",
    "Half",
    "Mismatch",
    "Outcome",
    "Reconciled",
    "Repair",
    "Repaired",
    "State",
    "Status",
    "StatusRow",
    "Summed",
    "Through",
    "Undone",
]


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
    HALF_DONE = "half done"
    """Begun outside a transaction, and not finished."""
    DRIFTED = "drifted"
    RENAMED = "renamed"
    """Applied under another name."""
    MISSING_FILE = "missing file"
    ADOPTABLE = "adoptable"
    """Recorded by another tool; the next ``up`` adopts it."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What the server said, in its own slots, with the place in the file it is about.

    ``excerpt`` is the line of the file and ``caret`` the index in it, from 0, of the error;
    ``caret`` is None where the server named no position and the place is the statement's start.
    ``raced`` says that another session has changed the same row of the catalog meanwhile.
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
class Begun:
    """A statement that was begun and is not known to be done, by the journal.

    ``number`` is its place in the file then, from 1; ``settings`` are the statements in force
    there. ``kind`` and ``command`` are what it was run as; ``before`` is what the catalog had of
    its object. ``failed`` is the code of the error it ended with, if it did, and ``left`` the oid
    of the invalid index that was there right behind that.
    """

    number: int
    digest: str
    text: str
    settings: tuple[str, ...] = ()
    kind: str = ""
    command: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    failed: str | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Through:
    """A statement that is through, or was skipped: its number, from 1, and its digest.

    ``index`` is the oid of the index it made.
    """

    number: int
    digest: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Half:
    """A migration outside a transaction that was begun and not finished, by the journal.

    ``begun`` holds those statements whose end was not seen, or not good, the newest last;
    ``lines`` is how much the journal says of it, so that two looks at it can be told apart.
    """

    version: int
    name: str
    total: int = 0
    done: tuple[Through, ...] = ()
    begun: tuple[Begun, ...] = ()
    lines: int = 0

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the statements that are through."""
        return frozenset(through.number for through in self.done)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A version of which the applied set and the journal say the opposite.

    Where ``applied``, the journal says that it is applied and the set lacks it; else the journal
    says that it was taken out, by the event ``said``, and the set has it.
    """

    version: int
    name: str | None
    checksum: str | None
    said: str

    @property
    def applied(self) -> bool:
        """Whether the journal says that the version is applied."""
        return self.said not in {"undone", "withdrawn"}


@dataclass(frozen=True, slots=True)
class Drift:
    """An applied file that is not what was recorded."""

    migration: Migration
    recorded: str
    kind: DriftKind
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One migration that this run committed; ``duration`` is the server's, without COMMIT."""

    migration: Migration
    gap: bool
    duration: timedelta


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
    sums: bool = False
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
class Reconciled:
    """What ``repair --trust`` did where the applied set and the journal said the opposite.

    ``trust`` says which of the two was right. ``lost`` are the versions that the set lacked,
    ``outdated`` those that it had, although the journal says that they were taken out.
    """

    trust: str
    lost: tuple[Mismatch, ...] = ()
    outdated: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Baselined:
    """What ``baseline`` did: the migrations that are recorded as applied, and were not run."""

    migrations: tuple[Migration, ...]
    already: int = 0
    """How many of those named were applied before."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What ``undo`` did: which down file it ran, and how long that took on the server."""

    migration: Migration
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Summed:
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
