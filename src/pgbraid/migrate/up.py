"""``up``: apply every migration that the database lacks, each in a transaction of its own.

This is the whole run from top to bottom; each step is one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.model.plan import Report
from pgbraid.postgres.client.open_session import connect

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import MigrationResult
    from pgbraid.model.plan import Plan
    from pgbraid.postgres.client.session import Session

__all__ = ["apply_pending", "apply_plan"]


def apply_pending(command: Command) -> Report:
    """Apply every pending migration in version order and report what was done.

    Where nothing is pending, this costs one connection and one query, and writes nothing. Raises
    ProblemsFound before anything runs, MigrationFailed after one migration was rolled back,
    LockTimeout, ConnectionFailed and ServerError; the ``applied`` of each lists what was committed
    before.
    """
    migrations, request, options = command.migrations, command.request, command.options
    with connect(command.target, command.ledger, options.stop) as session:
        plan = read_plan(session, migrations, request, options=options)
        plan.raise_for_problems()
        if not plan.has_work:
            return Report(
                previously_applied=len(plan.applied),
                above_target=plan.above_target,
                warnings=plan.warnings,
            )
        return apply_plan(session, command, plan)


def apply_plan(opened: Session, command: Command, first: Plan) -> Report:
    """Take the lock, plan again, and apply each migration that is still pending.

    ``first`` was made without the lock, so another run may have applied a part of it meanwhile.
    Raises what :func:`apply_pending` raises.
    """
    # Imported here: a boot that has nothing to apply must not pay for these modules.
    from pgbraid.migrate.execution import locked_steps as steps  # noqa: PLC0415
    from pgbraid.migrate.runner import apply_steps  # noqa: PLC0415
    from pgbraid.postgres.locks.lock_monitor import monitored_session  # noqa: PLC0415

    migrations, request, options = command.migrations, command.request, command.options
    with monitored_session(opened, options.limits, options.on_event, allow_pooler=True) as (
        session,
        monitor,
    ):
        steps.reject_pooler(session, first)
        traits = steps.lock_and_create_ledger(session, options, first)
        if traits is None:  # another run applied everything while this one waited for the lock
            plan = read_plan(session, migrations, request, options=options)
            plan.raise_for_problems()
            return _report(first, plan)
        plan = read_plan(session, migrations, request, options=options, inspected=first)
        plan.raise_for_problems()
        steps.reject_pooler(session, plan)
        run = steps.begin_run(session, monitor, command, traits, plan)
        plan = steps.with_warnings(run, plan, first)
        steps.adopt_history(run, plan)
        steps.prove_gaps(run, migrations, plan)
        applied = apply_steps(run, plan.steps)
        steps.reject_unexpected_rows(run, plan, applied)
        plan = steps.with_other_schema_warning(run, plan, request, applied)
        return _report(first, plan, run.run_id, applied)


def _report(
    first: Plan, plan: Plan, run_id: str | None = None, applied: tuple[MigrationResult, ...] = ()
) -> Report:
    """Return the report; what was in the first plan and not applied here, another run applied."""
    mine = {outcome.migration.version for outcome in applied}
    if run_id is None:
        mine = {step.migration.version for step in plan.steps}
    return Report(
        applied=applied,
        adoption=plan.adoption if run_id else None,
        previously_applied=len(plan.applied),
        above_target=plan.above_target,
        warnings=plan.warnings,
        run_id=run_id,
        applied_elsewhere=tuple(
            s.migration for s in first.steps if s.migration.version not in mine
        ),
    )
