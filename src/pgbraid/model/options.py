"""Options of a run, besides the files and the database."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pgbraid.model.errors import ConfigError, Stopped
from pgbraid.model.units import LONGEST_DURATION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from pgbraid.model.events import Event, Listener
    from pgbraid.model.findings import HazardReport
    from pgbraid.model.migration import Directives
    from pgbraid.model.proof import Proof

    GapCheck = Callable[[Any, Any, Any, Any], Proof]
    """Called with the session, the migrations, their plan and these options."""
    HazardCheck = Callable[[Any, Any, Any, Any], HazardReport]
    """Called with the same values."""

__all__ = [
    "Limits",
    "PlanRequest",
    "Prelude",
    "ResumeDecision",
    "RunOptions",
    "ScratchServerConfig",
    "StopToken",
    "Verify",
    "ignore_event",
]


class Verify(StrEnum):
    """How a run treats an applied file that was modified: ignore it, warn, or fail."""

    OFF = "off"
    WARN = "warn"
    ERROR = "error"


class StopToken:
    """Stops the run that has this token, from any thread.

    The running statement is cancelled within 0.1 s. If it does not end within 0.5 s, its session is
    terminated. The transaction is rolled back and the run raises Stopped. A requested stop cannot
    be withdrawn.
    """

    __slots__ = ("event",)

    def __init__(self) -> None:
        self.event = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""
        return self.event.is_set()

    def request(self) -> None:
        """Request the run to stop."""
        self.event.set()

    def check(self) -> None:
        """Raise Stopped if a stop was requested."""
        if self.requested:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise Stopped as soon as a stop is requested."""
        self.event.wait(seconds)
        self.check()


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of a run, in seconds. A timeout of 0 means no limit.

    A statement waits up to ``lock_timeout`` for a lock, and blocks the sessions that queue behind
    it for as long. Then the migration is rolled back and tried again, for ``retry_for`` in total. A
    statement may run for ``statement_timeout``. A commit waits up to ``commit_wait`` for a
    synchronous standby.
    """

    lock_timeout: float = 0.5
    statement_timeout: float = 0.0
    retry_for: float = 600.0
    commit_wait: float = 60.0

    def __post_init__(self) -> None:
        """Raise ConfigError for a value that PostgreSQL's timeout settings cannot hold."""
        for name in ("lock_timeout", "statement_timeout", "retry_for", "commit_wait"):
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (is_number and 0 <= value <= LONGEST_DURATION):
                raise ConfigError(f"{name} must be a number of seconds, not {value!r}")

    def with_directives(self, directives: Directives) -> Limits:
        """Return these limits, overridden by the directives of a file."""
        lock_timeout, statement_timeout = directives.lock_timeout, directives.statement_timeout
        retry_for = directives.retry_for
        return Limits(
            self.lock_timeout if lock_timeout is None else lock_timeout,
            self.statement_timeout if statement_timeout is None else statement_timeout,
            self.retry_for if retry_for is None else retry_for,
            self.commit_wait,
        )


def ignore_event(event: Event) -> None:
    """Ignore an event."""


@dataclass(frozen=True, slots=True)
class ResumeDecision:
    """The user's decision on the statement with a digest, at which a migration stopped.

    ``journal_lines`` is the number of the migration's journal lines when the user decided.
    """

    action: Literal["retry", "skip"]
    digest: str
    journal_lines: int


@dataclass(frozen=True, slots=True)
class ScratchServerConfig:
    """The server for replays: the server of ``url``, or a temporary one.

    ``programs`` is the folder of server programs and ``cache`` the folder of the template for a
    temporary server. ``prelude`` is a file of SQL that runs before the first migration.
    """

    url: str | None = field(default=None, repr=False)
    programs: str | None = None
    cache: Path | None = None
    prelude: str | None = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one run.

    The run waits ``lock_wait`` seconds for another run, reports its events to ``on_event``, and
    stops when ``stop`` is requested. With ``durable_each`` every commit waits for the disk, also on
    a fresh database; with ``batch`` one message holds several migrations. ``limits`` apply to its
    statements; ``decision`` applies to a statement with an unknown outcome.

    If ``gap_check`` is given, it proves on a ``scratch`` server that out-of-order migrations give
    the same result, except for the verdicts in ``accept``. With ``gaps_require`` complete, a proof
    must compare everything. The search for the cause of a difference takes at most ``explain_for``
    seconds. With ``cluster`` it compares the objects of the whole server, such as roles, too.
    ``search_path`` is that of the migrations, ``role`` the role that runs them; a proof
    without a database replays with a role of that name.
    """

    lock_wait: float = 600.0
    on_event: Listener = ignore_event
    stop: StopToken = field(default_factory=StopToken)
    durable_each: bool = False
    batch: bool = False
    limits: Limits = field(default_factory=Limits)
    decision: ResumeDecision | None = None
    gaps_require: str = "any"
    accept: tuple[str, ...] = ()
    explain_for: float | None = None
    cluster: bool = False
    gap_check: GapCheck | None = None
    """Given if the setting ``gaps`` is prove. Raises NotProven if the results differ."""
    hazard_check: HazardCheck | None = None
    """Given if the setting ``hazards`` is not off. Raises HazardsRefused if it refuses the run."""
    lint_rules: Callable[[Any], Any] | None = None
    """Returns the rules of ``lint`` for the sizes of a database, or for None, for a proof."""
    search_path: str | None = None
    role: str | None = None
    scratch: ScratchServerConfig = field(default_factory=ScratchServerConfig)

    def report_waiting(self, holder: str, waited: float) -> None:
        """Report that another session holds the lock that this run needs, and for how long."""
        from pgbraid.model.events import WaitingForLock  # noqa: PLC0415 - most boots do not wait

        self.on_event(WaitingForLock(holder, waited))


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """The caller's request for a plan.

    ``to`` is the highest version to apply, ``only`` the single version to apply. ``not_applied``
    are versions that another tool's counter includes although the tool skipped them; without
    ``adopt``, no other tool's table is read. ``with_times`` adds the times of applied versions.
    ``one_ledger``: no other table of the database may have these migrations applied. ``platform``:
    the database has tables before the first migration. ``adopt_from``: a tool's name, or an empty
    string for any tool, if the request is to adopt a history.
    """

    to: int | None = None
    not_applied: tuple[int, ...] = ()
    verify: Verify = Verify.ERROR
    adopt: bool = True
    with_times: bool = False
    only: int | None = None
    refuse_gaps: bool = False
    one_ledger: bool = True
    platform: bool = False
    adopt_from: str | None = None


@dataclass(frozen=True, slots=True)
class Prelude:
    """A script that runs on every scratch database before the first migration."""

    path: str
    text: str = field(repr=False)
