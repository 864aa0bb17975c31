"""``up``: apply every pending migration, each in its own transaction if it can run in one.

Read this module first: ``apply_plan`` shows a whole run, one call per step. A *migration* is an
SQL file with a version number. The *applied set* is a table with one row per applied version. The
*journal* is a table beside it, to which each run appends lines. They show which version was
applied, when, by which role, and with which text (up to 1 MB). Both together are the *ledger*.
"""

from __future__ import annotations

from dataclasses import replace
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
    """Apply every pending migration in version order and return a report.

    If nothing is pending and no file was changed, the run costs one connection and one query, and
    writes nothing. Raises ProblemsFound (usually before anything runs), MigrationFailed for a
    migration that was rolled back or is incomplete, NotProven, TargetRefused, LockTimeout,
    ConnectionFailed, ServerError and Stopped. An error of ``apply_steps`` lists in ``applied`` the
    results that are committed and flushed to disk.
    """
    migrations, request, options = command.migrations, command.request, command.options
    with connect(command.target, command.ledger, options.stop) as session:
        # The plan compares the files with the applied set: a version with a file and without a row
        # is pending, whether or not a higher version is applied. The plan also lists all problems
        # of files and database, so that they are reported at once and before anything runs.
        plan = read_plan(session, migrations, request, options=options)
        plan.raise_for_problems()
        if not plan.has_work:
            return Report(
                previously_applied=len(plan.applied),
                above_target=plan.above_target,
                warnings=plan.warnings,
            )
        from pgbraid.migrate.run_events import reported_run  # noqa: PLC0415 - not for a no-op boot

        return reported_run(
            session,
            options,
            "up",
            lambda: apply_plan(session, command, plan),
            pending=len(plan.steps),
        )


def apply_plan(opened: Session, command: Command, unlocked_plan: Plan) -> Report:
    """Take the lock, plan again, and apply each migration that is still pending.

    ``unlocked_plan`` was made without the lock, so another run may have applied some of its
    migrations since. Raises the same errors as :func:`apply_pending`.
    """
    # Imported here: a boot that has nothing to apply must not pay for these modules.
    from pgbraid.migrate.execution import locked_steps as steps  # noqa: PLC0415
    from pgbraid.migrate.runner import apply_steps  # noqa: PLC0415
    from pgbraid.postgres.locks.lock_monitor import monitored_session  # noqa: PLC0415

    migrations, request, options = command.migrations, command.request, command.options
    # Prepares the session (no standby, settings pinned). The monitor reports the sessions that
    # block a statement of this run.
    with monitored_session(opened, options.limits, options.on_event, allow_pooler=True) as (
        session,
        monitor,
    ):
        # A transaction pooler lends a session for one transaction only. A non-transactional
        # migration (CREATE INDEX CONCURRENTLY) needs the same session for longer.
        steps.reject_pooler(session, unlocked_plan)
        # The session lock: an advisory lock that serializes the runs of one ledger. Nothing
        # unlocks it; PostgreSQL releases it when the connection closes, even if pgbraid is killed.
        traits = steps.lock_and_create_ledger(session, options, unlocked_plan)
        if traits is None:  # another run applied everything while this one waited for the lock
            plan = read_plan(session, migrations, request, options=options)
            plan.raise_for_problems()
            return _report(unlocked_plan, plan)
        # Under the lock no other run writes to the ledger, so this plan is the one to execute.
        plan = read_plan(session, migrations, request, options=options, inspected=unlocked_plan)
        plan.raise_for_problems()
        steps.reject_pooler(session, plan)
        run = steps.begin_run(session, monitor, command, traits, plan)
        plan = steps.with_warnings(run, plan, unlocked_plan)
        # Adoption: the versions that another migration tool has applied are recorded, not run.
        steps.adopt_history(run, plan)
        # A gap is a pending version below an applied one: it runs on a schema that its author had
        # not seen. With gaps = prove, replays of both orders must give the same result.
        steps.prove_gaps(run, migrations, plan)
        # With hazards = warn or refuse, the steps first run on a scratch server, and their locks
        # are weighed by the sizes of this database.
        hazards = steps.check_hazards(run, migrations, plan)
        # Each migration and its ledger rows commit together. Incomplete migrations, which started
        # outside a transaction and did not finish, are the first steps of the plan.
        applied = apply_steps(run, plan.steps)
        steps.reject_unexpected_rows(run, plan, applied)
        plan = steps.with_other_schema_warning(run, plan, request, applied)
        report = _report(unlocked_plan, plan, run.run_id, applied)
        return report if hazards is None else replace(report, hazards=hazards)


def _report(
    unlocked_plan: Plan,
    plan: Plan,
    run_id: str | None = None,
    applied: tuple[MigrationResult, ...] = (),
) -> Report:
    """Return the report of this run.

    Steps of the unlocked plan that this run has not applied, and that are no longer pending, were
    applied by another run.
    """
    versions = {result.migration.version for result in applied}
    if run_id is None:
        versions = {step.migration.version for step in plan.steps}
    return Report(
        applied=applied,
        adoption=plan.adoption if run_id else None,
        previously_applied=len(plan.applied),
        above_target=plan.above_target,
        warnings=plan.warnings,
        run_id=run_id,
        applied_elsewhere=tuple(
            step.migration for step in unlocked_plan.steps if step.migration.version not in versions
        ),
    )
