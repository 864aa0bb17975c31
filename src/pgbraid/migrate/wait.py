"""``wait``: read the ledger until every file is applied; no writes, no lock.

The database is ready if ``check`` returns yes. Each second one query reads the ledger; only if it
changed, the files are compared with it again. An error ends the wait at once if no run can change
it: a file that ``up`` would refuse, or an applied version with another name or text.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.check_plan import check_of_plan
from pgbraid.migrate.planning.planner import as_check_problem
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.model.errors import (
    ConnectionFailed,
    LockTimeout,
    ProblemsFound,
    ServerError,
)
from pgbraid.model.events import WaitingForMigrations
from pgbraid.model.migration import Severity
from pgbraid.model.options import ignore_event
from pgbraid.model.results import NotReady, Readiness
from pgbraid.postgres.client.patient_connect import connect_until, waiting_helps
from pgbraid.postgres.ledger.applied_set import read_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.errors import PgbraidError
    from pgbraid.model.migration import Migration, Problem
    from pgbraid.model.plan import LedgerState, Plan
    from pgbraid.model.results import Check
    from pgbraid.postgres.client.session import Session

__all__ = ["wait_until_ready"]

_PAUSE = 1.0
"""Seconds between two readings."""
_SECOND_LOOK = 0.3
"""Seconds until an error is looked for again: a plan reads the ledger in several queries, and a run
may have committed between two of them."""
_ANSWER_TIME = 5.0
"""Seconds that one reading may take, even if no time is left."""
_LOCKED = 1.0
"""Seconds to wait for a locked table of the ledger in one reading."""
_LISTED = 3
_CHANGEABLE = frozenset(
    {
        *("pending", "gap", "gap_refused", "incomplete", "not_adopted", "ledger_emptied"),
        # The release before this one may still be applying what a baseline replaces.
        *("squash_incomplete", "incomplete_missing"),
    }
)
"""Errors of a check that a run may change with some options; and those of an adoption."""
_OF_EXACT = frozenset({"missing_file"})
"""With `exact`, an undo may remove the version."""
_COUNTED = frozenset({"pending", "gap"})
"""Problems that the missing migrations report."""


def wait_until_ready(command: Command, timeout: float, *, exact: bool = False) -> Readiness:
    """Return the answer once ``check`` returns yes, on a newer database, too, unless ``exact``.

    Reconnects while the server is away. Raises ProblemsFound at once for errors that waiting
    cannot change; after ``timeout`` seconds NotReady, or ConnectionFailed if no connection was
    made; ConnectionFailed at once if the server refuses the user or the password; ServerError for
    a table that is not a ledger; and Stopped.
    """
    wrong = _final(map(as_check_problem, command.migrations.problems), exact=exact)
    if wrong:
        raise ProblemsFound(wrong)
    return _Wait(command, timeout, exact=exact).run()


class _Wait:
    """One wait: the last answer of the database, and the end of the time."""

    def __init__(self, command: Command, timeout: float, *, exact: bool) -> None:
        self._command = command
        self._exact = exact
        self._started = time.monotonic()
        self._deadline = self._started + timeout
        self._answer_by = self._started + _ANSWER_TIME
        self._options = replace(command.options, lock_wait=_LOCKED, on_event=ignore_event)
        self._target = command.target
        self._reads = 0
        self._state: LedgerState | None = None
        self._plan: Plan | None = None
        self._check: Check | None = None
        self._reason = ""
        self._doubtful = False
        """Whether the last answer was an error that ends the wait if it is seen again."""

    def run(self) -> Readiness:
        """Read the ledger until the database is ready, and return the answer."""
        while True:
            error = self._visit()
            if error is None:
                return self._readiness(ready=True)
            self._rest(error)
            # The first attempt may have begun before; each later one is a new one.
            self._target = replace(self._target, background_connect=None)

    def _visit(self) -> PgbraidError | None:
        """Read over one connection until the database is ready; return the error that ends it."""
        command = self._command
        self._begin()
        try:
            with connect_until(
                self._target, command.ledger, command.options.stop, self._expired
            ) as session:
                while not self._read(session):
                    self._rest()
        except (ConnectionFailed, ServerError, LockTimeout) as error:
            self._state = None
            self._consider(error)
            return error
        return None

    def _read(self, session: Session) -> bool:
        """Read the ledger once; return whether the database is ready. Raises ProblemsFound."""
        self._begin()
        self._reads += 1
        if self._check is not None and not self._doubtful:
            state = read_ledger(session, wait=_LOCKED)
            if state == self._state:
                return False
            self._state = state
        earlier = None if self._doubtful else self._plan
        plan, check = self._look(session, earlier)
        if check.ok and earlier:  # the answer that counts is that of a whole check
            plan, check = self._look(session, None)
        wrong = _final(check.problems, exact=self._exact)
        if wrong and self._doubtful:
            raise ProblemsFound(wrong)
        self._doubtful = bool(wrong)
        self._plan, self._check = plan, check
        if not (check.ok or wrong):
            self._report(_reason(check, self._missing()))
        return check.ok

    def _look(self, session: Session, earlier: Plan | None) -> tuple[Plan, Check]:
        """Compare files and ledger; the scripts of the ``earlier`` plan are not checked again."""
        command = self._command
        plan = read_plan(
            session, command.migrations, command.request, inspected=earlier, options=self._options
        )
        return plan, check_of_plan(plan, command.request, newer_ok=not self._exact)

    def _consider(self, error: PgbraidError) -> None:
        """Raise the error if waiting does not help, and report it otherwise."""
        if isinstance(error, ServerError) and error.diagnostic is None:
            # Found by pgbraid itself: the table is not a ledger, or hides rows.
            if self._doubtful:
                raise error
            self._doubtful = True
        else:
            self._doubtful = False
            if isinstance(error, ConnectionFailed) and not waiting_helps(error):
                raise error
        self._report(error.message)

    def _begin(self) -> None:
        self._answer_by = max(self._deadline, time.monotonic() + _ANSWER_TIME)

    def _expired(self) -> bool:
        return time.monotonic() >= self._answer_by

    def _rest(self, error: PgbraidError | None = None) -> None:
        """Pause until the next reading. Raises NotReady or the ``error`` if no time is left."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0 and not self._doubtful:
            raise self._timed_out(error)
        pause = _SECOND_LOOK if self._doubtful else min(_PAUSE, remaining)
        self._command.options.stop.sleep(pause)

    def _timed_out(self, error: PgbraidError | None) -> PgbraidError:
        waited = f"aited {time.monotonic() - self._started:.0f} s"
        if self._reads == 0 and isinstance(error, ConnectionFailed):
            error.explain(f"{error.detail or ''}\nW{waited}.".strip(), error.hint)
            return error
        return NotReady(self._readiness(ready=False), f"not ready: {self._reason}; w{waited}")

    def _readiness(self, *, ready: bool) -> Readiness:
        check, plan = self._check, self._plan
        rows = plan.missing_files if plan else ()
        return Readiness(
            ready,
            applied=check.applied if check else 0,
            missing=() if ready else self._missing(),
            problems=tuple(p for p in (check.problems if check else ()) if p.code not in _COUNTED),
            newer=tuple(row.version for row in rows),
            waited=timedelta(seconds=time.monotonic() - self._started),
            reason="" if ready else self._reason,
            asked=self._reads,
        )

    def _missing(self) -> tuple[Migration, ...]:
        """Return the migrations without an applied row; all, as long as that is unknown."""
        plan = self._plan
        if plan is None:
            return self._command.migrations.migrations
        adoptable = plan.adoption.migrations if plan.adoption else ()
        pending = (step.migration for step in (*plan.steps, *plan.above_target))
        return tuple(sorted((*adoptable, *pending), key=lambda m: m.version))

    def _report(self, reason: str) -> None:
        """Report the reason of the wait if it changed."""
        if reason != self._reason:
            self._reason = reason
            self._command.options.on_event(WaitingForMigrations(reason))


def _reason(check: Check, missing: tuple[Migration, ...]) -> str:
    """Return why the database is not ready."""
    others = [p for p in check.problems if p.severity is Severity.ERROR and p.code not in _COUNTED]
    if others:
        return others[0].message
    labels = ", ".join(m.label for m in missing[:_LISTED]) + (
        " …" if len(missing) > _LISTED else ""
    )
    count = f"{len(missing)} migrations are" if len(missing) > 1 else "1 migration is"
    return f"{count} not applied: {labels}"


def _final(problems: Iterable[Problem], *, exact: bool) -> tuple[Problem, ...]:
    """Return the errors that no run, and no adoption, can change."""
    changeable = _CHANGEABLE | (_OF_EXACT if exact else frozenset())
    return tuple(
        p
        for p in problems
        if p.severity is Severity.ERROR
        and p.code not in changeable
        and not p.code.startswith("tracker_")
    )
