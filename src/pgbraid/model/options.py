"""How a run behaves: what the caller gives besides the files and the database."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pgbraid.model.durations import parse_duration
from pgbraid.model.errors import ConfigError, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from pgbraid.model.events import Event, Listener
    from pgbraid.model.migration import Directives
    from pgbraid.model.proof import Proof

    GapCheck = Callable[[Any, Any, Any, Any], Proof]
    """Called with the session, the migrations, their plan and these options."""

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
    """What an applied file that has changed since does to a run."""

    OFF = "off"
    WARN = "warn"
    ERROR = "error"


class StopToken:
    """Stops the run that bears it, from any thread.

    The statement in progress is cancelled within a tenth of a second, and its session ended
    where it does not heed that in half of one; its transaction is rolled back and the run raises
    Stopped. A token stops once and for good.
    """

    __slots__ = ("_requested",)

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._requested.is_set()

    def request(self) -> None:
        """Ask the run to stop."""
        self._requested.set()

    def check(self) -> None:
        """Raise Stopped if somebody asked."""
        if self.requested:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise Stopped as soon as somebody asks."""
        self._requested.wait(seconds)
        self.check()


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


def ignore_event(event: Event) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, slots=True)
class ResumeDecision:
    """What a person says of the statement of that digest, at which a file stands.

    ``journal_lines`` is how much the journal said of the file when it was looked at.
    """

    action: Literal["retry", "skip"]
    digest: str
    journal_lines: int


@dataclass(frozen=True, slots=True)
class ScratchServerConfig:
    """Where orders are replayed: on the server of a URL, or on a throw-away one of our own.

    ``programs`` names the folder of that one's programs, ``cache`` is where its template is kept,
    and ``prelude`` a file of SQL that is run before the first migration.
    """

    url: str | None = field(default=None, repr=False)
    programs: str | None = None
    cache: Path | None = None
    prelude: str | None = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run behaves.

    It waits ``lock_wait`` seconds for another one to end, tells ``on_event`` what it does, and
    stops when ``stop`` says so. With ``durable_each`` every commit waits for the disk, also
    on a fresh database; with ``batch`` several migrations go to the server at once. ``limits``
    are those of its statements; a ``decision`` is for one that nobody saw the end of. ``gaps`` says
    what a late migration is to: ``apply`` it, ``prove`` first that it ends the same, in a
    ``scratch`` place and but for the verdicts that one will ``accept``, or ``refuse`` it. With
    ``gaps_require`` complete, a proof that left anything out is none. The search for the cause of
    a difference takes ``explain_for`` seconds at most. ``search_path`` is that of the bodies, and
    ``role`` the one that is to migrate; where no database is asked, a proof replays by a role of
    its name.
    """

    lock_wait: float = 600.0
    on_event: Listener = ignore_event
    stop: StopToken = field(default_factory=StopToken)
    durable_each: bool = False
    batch: bool = False
    limits: Limits = field(default_factory=Limits)
    decision: ResumeDecision | None = None
    gaps: str = "apply"
    gaps_require: str = "any"
    accept: tuple[str, ...] = ()
    explain_for: float | None = None
    gap_check: GapCheck | None = None
    """Proves the gaps of a plan where ``gaps`` is prove, and raises NotProven where they differ."""
    search_path: str | None = None
    role: str | None = None
    scratch: ScratchServerConfig = field(default_factory=ScratchServerConfig)

    def report_waiting(self, holder: str) -> None:
        """Tell that somebody else has what this run needs."""
        from pgbraid.model.events import WaitingForLock  # noqa: PLC0415 - most boots do not wait

        self.on_event(WaitingForLock(holder))


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What the caller asks of a run.

    ``to`` is the highest version to apply, ``not_applied`` the versions that another tool's
    counter counts in although it skipped them; without ``adopt`` such a tool's table is not
    looked at. With ``with_times`` the plan's applied versions say when. ``only`` is the one version
    that is to be applied. Unless it is the ``one_ledger``, other tables of the database may have
    these migrations applied, too. On a ``platform``, tables are there before the first migration.
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


@dataclass(frozen=True, slots=True)
class Prelude:
    """A script that is run on every scratch database before the first migration."""

    path: str
    text: str = field(repr=False)
