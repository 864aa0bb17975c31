"""Looks at files and database together and says what is to do: what every command begins with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pgbraid.core.model import Limits, Verify
from pgbraid.core.plan import make_plan
from pgbraid.db.applied import read_ledger
from pgbraid.errors import ConfigError
from pgbraid.stop import StopToken

if TYPE_CHECKING:
    from pathlib import Path

    from pgbraid.core.events import Event, Listener
    from pgbraid.core.model import Ledger, MigrationSet, Plan
    from pgbraid.db.session import Session

__all__ = ["Decision", "RunOptions", "ScratchPlace", "Wish", "look", "silent"]


def silent(event: Event) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says of the statement of that digest, at which a file stands.

    ``lines`` is how much the journal said of the file when it was looked at.
    """

    what: Literal["retry", "skip"]
    digest: str
    lines: int


@dataclass(frozen=True, slots=True)
class ScratchPlace:
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

    It waits ``lock_wait`` seconds for another one to end, tells ``listen`` what it does, and
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
    listen: Listener = silent
    stop: StopToken = field(default_factory=StopToken)
    durable_each: bool = False
    batch: bool = False
    limits: Limits = field(default_factory=Limits)
    decision: Decision | None = None
    gaps: str = "apply"
    gaps_require: str = "any"
    accept: tuple[str, ...] = ()
    explain_for: float | None = None
    search_path: str | None = None
    role: str | None = None
    scratch: ScratchPlace = field(default_factory=ScratchPlace)

    def tell_waiting(self, holder: str) -> None:
        """Tell that somebody else has what this run needs."""
        from pgbraid.core.events import Waiting  # noqa: PLC0415 - most boots do not wait

        self.listen(Waiting(holder))


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asks of a run.

    ``to`` is the highest version to apply, ``not_applied`` the versions that another tool's
    counter counts in although it skipped them; without ``adopt`` such a tool's table is not
    looked at. With ``times`` the plan's applied versions say when. ``only`` is the one version
    that is to be applied. Unless it is the ``one_ledger``, other tables of the database may have
    these migrations applied, too. On a ``platform``, tables are there before the first migration.
    """

    to: int | None = None
    not_applied: tuple[int, ...] = ()
    verify: Verify = Verify.ERROR
    adopt: bool = True
    times: bool = False
    only: int | None = None
    refuse_gaps: bool = False
    one_ledger: bool = True
    platform: bool = False


def look(
    session: Session,
    migrations: MigrationSet,
    wish: Wish,
    *,
    inspected: Plan | None = None,
    options: RunOptions | None = None,
) -> Plan:
    """Return what is to do, with every problem of files and database; it only reads.

    Where nothing is to do and nothing has changed, it takes one message. The texts of the steps
    that an earlier plan has ``inspected`` are not looked at again. A run with ``options`` waits
    as long as for another run where somebody has locked the set; else that is told soon.
    """
    if options:
        wait, tell = options.lock_wait, options.tell_waiting
        ledger = read_ledger(session, times=wish.times, wait=wait, tell=tell)
    else:
        ledger = read_ledger(session, times=wish.times)
    _check_versions(migrations, ledger, wish)
    if _is_current(migrations, ledger) and not wish.not_applied:
        return make_plan(migrations, ledger, verify=wish.verify, to=wish.to)
    from pgbraid.inspection import look_closely  # noqa: PLC0415 - most boots find nothing new

    return look_closely(session, migrations, ledger, wish, inspected=inspected)


def _is_current(migrations: MigrationSet, ledger: Ledger) -> bool:
    """Whether the set is that of the files, and as far as it has checksums, those are theirs."""
    if ledger.halves or ledger.mismatches:
        return False
    if not ledger.applied or len(ledger.applied) != len(migrations.migrations):
        return False
    return all(
        row.version == file.version and row.checksum in {file.checksum, None}
        for row, file in zip(ledger.applied, migrations.migrations, strict=True)
    )


def _check_versions(migrations: MigrationSet, ledger: Ledger, wish: Wish) -> None:
    known = {m.version for m in migrations.migrations} | {row.version for row in ledger.applied}
    known |= {version for problem in migrations.problems for version in problem.versions}
    for name, versions in (
        ("`to`", () if wish.to is None else (wish.to,)),
        ("`not_applied`", wish.not_applied),
    ):
        for version in versions:
            if version not in known:
                raise ConfigError(
                    f"{name} {version}: no migration has that version",
                    hint="Run `pgbraid status` to see the versions.",
                )
