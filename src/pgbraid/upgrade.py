"""``up``: apply what the set lacks, each migration in a transaction of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pgbraid.apply import Run, record_adoption, run_atomically
from pgbraid.core.events import Finished, Interrupted, Planned, Started, Waiting
from pgbraid.core.filenames import name_style, recorded_name
from pgbraid.core.model import Outcome, Report
from pgbraid.db import ledger as db
from pgbraid.db.session import claim, connect, restore, take_lock, transaction, translating
from pgbraid.errors import ConnectionFailed, MigrationFailed, PgbraidError, Stopped
from pgbraid.survey import look
from pgbraid.texts import decode, read_script

if TYPE_CHECKING:
    from pgbraid.core.model import Migration, MigrationSet, Plan, Step, Tracker
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
    with connect(target, tracker, options.stop) as session:
        first = look(session, migrations, wish)
        first.raise_for_problems()
        if not first.has_work:
            return _report(first, first)
        claim(session)
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
        run = Run(session, shape, style, options)
        run.options.listen(Planned(now))
        if now.adoption:
            record_adoption(run, now.adoption)
        return _report(first, now, run, _apply_all(run, now.steps))


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


def _apply_all(run: Run, steps: tuple[Step, ...]) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    try:
        for index, step in enumerate(steps, 1):
            run.options.listen(Started(step, index, len(steps)))
            outcome = _apply(run, step)
            if outcome:
                outcomes.append(outcome)
                run.options.listen(Finished(outcome, index, len(steps)))
            if index < len(steps):
                with translating(run.session):
                    restore(run.session, wait=run.options.lock_wait)
    except PgbraidError as error:
        error.applied = tuple(outcomes)
        raise
    return tuple(outcomes)


def _apply(run: Run, step: Step) -> Outcome | None:
    """Apply one migration; None where another run has applied it meanwhile."""
    session, migration = run.session, step.migration
    data, script = read_script(migration)
    name = recorded_name(migration, run.style)
    entry = _entry(run, step, decode(data), "applied")
    try:
        duration = run_atomically(
            run,
            migration,
            script,
            wanted=lambda: not db.is_applied(session, migration.version),
            record=lambda: db.record_applied(
                session, migration, shape=run.shape, name=name, entry=entry
            ),
        )
    except MigrationFailed as error:
        with suppress(PgbraidError):  # the failure itself matters more
            _journal_failure(run, step, decode(data), error)
        raise
    except Stopped:
        run.options.listen(Interrupted(step, applied=False))
        raise
    except ConnectionFailed as error:
        error.detail = f"{migration.label} was in progress; whether it was committed is not known."
        run.options.listen(Interrupted(step, applied=None))
        raise
    except KeyboardInterrupt:
        run.options.listen(Interrupted(step, applied=_committed(run, migration)))
        raise
    return Outcome(migration, step.gap, duration) if duration is not None else None


def _committed(run: Run, migration: Migration) -> bool | None:
    """Whether a migration that was interrupted is committed; None where nobody can say."""
    with suppress(PgbraidError), translating(run.session):
        return db.is_applied(run.session, migration.version)
    return None


def _entry(run: Run, step: Step, text: str, event: str, **detail: str | None) -> db.Entry:
    migration = step.migration
    return db.Entry(
        run.run_id,
        event,
        migration.version,
        migration.name,
        checksum=migration.checksum,
        text=text,
        detail={**({"gap": True} if step.gap else {}), **detail},
    )


def _journal_failure(run: Run, step: Step, text: str, error: MigrationFailed) -> None:
    said = error.diagnostic
    with transaction(run.session):
        db.record_entry(
            run.session,
            _entry(run, step, text, "failed", sqlstate=said.sqlstate, message=said.message),
        )
