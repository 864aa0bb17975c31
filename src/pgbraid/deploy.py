"""One run that has something to do: under the lock, from the plan to the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.apply import Run, record_adoption
from pgbraid.core.events import Planned, Waiting
from pgbraid.core.filenames import name_style
from pgbraid.core.model import Report
from pgbraid.db import ledger as db
from pgbraid.db.applied import read_ledger
from pgbraid.db.session import claim, take_lock
from pgbraid.series import apply_all
from pgbraid.survey import look

if TYPE_CHECKING:
    from pgbraid.core.answers import Outcome
    from pgbraid.core.model import MigrationSet, Plan
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions, Wish

__all__ = ["apply_plan"]


def apply_plan(
    opened: Session, migrations: MigrationSet, wish: Wish, options: RunOptions, first: Plan
) -> Report:
    """Claim the connection, take the lock, look again, and apply what is still to do.

    Raises what ``apply_pending`` raises.
    """
    session = claim(opened)
    db.ensure_schema(session)
    if not take_lock(
        session,
        wait=options.lock_wait,
        done=lambda: _is_done(session, first),
        tell=lambda holder: options.listen(Waiting(holder)),
    ):
        now = look(session, migrations, wish)
        now.raise_for_problems()
        return _report(first, now)
    shape = db.ensure_tables(session)
    now = look(session, migrations, wish, inspected=first)
    now.raise_for_problems()
    style = name_style(now.applied, migrations.migrations)
    run = Run(session, shape, style, options, fresh=shape.fresh and now.adoption is None)
    run.options.listen(Planned(now))
    if now.adoption:
        record_adoption(run, now.adoption)
    return _report(first, now, run, apply_all(run, now.steps))


def _is_done(session: Session, plan: Plan) -> bool:
    """Whether another run has applied meanwhile all that this one was to apply."""
    have = {row.version for row in read_ledger(session).applied}
    wanted = {step.migration.version for step in plan.steps}
    wanted |= {m.version for m in plan.adoption.migrations} if plan.adoption else set()
    return wanted <= have


def _report(
    first: Plan, now: Plan, run: Run | None = None, applied: tuple[Outcome, ...] = ()
) -> Report:
    planned = {step.migration.version for step in now.steps}
    return Report(
        applied=applied,
        adoption=now.adoption if run else None,
        already=len(now.applied),
        later=now.later,
        warnings=now.warnings,
        run_id=run.run_id if run else None,
        elsewhere=tuple(s.migration for s in first.steps if s.migration.version not in planned),
    )
