"""``up``: apply what the set lacks, each migration in a transaction of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.apply import Run, record_adoption
from pgbraid.core.events import Planned, Waiting
from pgbraid.core.filenames import name_style
from pgbraid.core.model import Report
from pgbraid.db import ledger as db
from pgbraid.db.session import claim, connect, take_lock
from pgbraid.series import apply_all
from pgbraid.survey import look

if TYPE_CHECKING:
    from pgbraid.core.model import MigrationSet, Outcome, Plan, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions, Wish

__all__ = ["apply_pending"]


def apply_pending(
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    wish: Wish,
    options: RunOptions,
) -> Report:
    """Apply every migration that the set lacks, in version order.

    Where nothing is to do it costs one connection and one query, and writes nothing. Raises
    ProblemsFound before anything runs, MigrationFailed after rolling one migration back,
    LockTimeout, ConnectionFailed and ServerError; each carries in ``applied`` what was
    committed before.
    """
    with connect(target, tracker, options.stop) as opened:
        first = look(opened, migrations, wish)
        first.raise_for_problems()
        if not first.has_work:
            return _report(first, first)
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
        fresh = not first.tracker_exists and db.is_fresh(session)
        shape = db.ensure_tables(session)
        now = look(session, migrations, wish, inspected=first)
        now.raise_for_problems()
        style = name_style(now.applied, migrations.migrations)
        relaxed = fresh and not options.durable_each and now.adoption is None
        run = Run(session, shape, style, options, relaxed=relaxed)
        run.options.listen(Planned(now))
        if now.adoption:
            record_adoption(run, now.adoption)
        return _report(first, now, run, apply_all(run, now.steps))


def _is_done(session: Session, plan: Plan) -> bool:
    """Whether another run has applied meanwhile all that this one was to apply."""
    have = {row.version for row in db.read_ledger(session).applied}
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
