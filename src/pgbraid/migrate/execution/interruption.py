"""Finds out which migrations are committed after an interruption, and reports that."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConnectionFailed, PgbraidError, ServerError, Stopped
from pgbraid.model.events import Interrupted
from pgbraid.postgres.ledger.commit_outcome import read_outcome, resolve_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from pgbraid.migrate.execution.progress import PreparedMigration, RunProgress
    from pgbraid.migrate.execution.transactional import RunContext

__all__ = ["reporting_interruptions", "resolve_batch"]

_OUTCOMES = {
    True: "it was committed",
    False: "it was rolled back",
    None: "whether it was committed is unknown",
}


def resolve_batch(
    run: RunContext,
    works: tuple[PreparedMigration, ...],
    progress: RunProgress,
    *,
    committed: tuple[PreparedMigration, ...],
) -> PreparedMigration | None:
    """Add the committed migrations of a batch to the progress; read them over the run's connection.

    The server has confirmed the COMMIT of the migrations in ``committed``. For these a row in the
    applied set suffices even without a journal line, because a migration may delete lines of the
    journal. Returns the first migration that is not committed, or None. Raises ServerError if the
    outcome cannot be read.
    """
    outcome = read_outcome(run.session, run.run_id, _versions(committed, progress))
    if outcome is None:
        raise ServerError("cannot read which migrations this run has committed")
    return _mark_committed(works, progress, outcome.applied)


@contextmanager
def reporting_interruptions(
    run: RunContext, works: tuple[PreparedMigration, ...], progress: RunProgress
) -> Iterator[None]:
    """If these migrations are interrupted, find out which are committed, and report that."""
    try:
        yield
    except ConnectionFailed as error:
        event = _interrupted(run, works, progress)
        error.detail = _progress_detail(event)
        run.options.on_event(event)
        raise
    # A signal handler or another thread may raise any class here: the time limits of Celery,
    # Dramatiq and test runners cannot be listed.
    except BaseException as error:
        if isinstance(error, PgbraidError) and not isinstance(error, Stopped):
            raise
        event = _interrupted(run, works, progress)
        detail = _progress_detail(event)
        if isinstance(error, Stopped):
            error.detail = detail
        else:
            error.add_note(f"pgbraid: {detail}")
        run.options.on_event(event)
        raise


def _progress_detail(event: Interrupted) -> str:
    outcome = "it is incomplete" if event.incomplete else _OUTCOMES[event.applied]
    return f"{event.step.migration.label} was in progress; {outcome}."


def _interrupted(
    run: RunContext, works: tuple[PreparedMigration, ...], progress: RunProgress
) -> Interrupted:
    """Return the migration that was in progress, and its outcome if that can be read."""
    outcome = resolve_outcome(run.session, run.run_id, progress.unreported)
    if outcome is None:
        return Interrupted(works[0].step, applied=None)
    uncommitted = _mark_committed(works, progress, outcome.applied)
    step = (uncommitted or works[-1]).step
    incomplete = uncommitted is not None and step.migration.version in outcome.incomplete
    return Interrupted(step, applied=uncommitted is None, incomplete=incomplete)


def _versions(works: tuple[PreparedMigration, ...], progress: RunProgress) -> tuple[int, ...]:
    """Return the versions that are committed and unreported, and those of ``works``."""
    return (*progress.unreported, *(work.step.migration.version for work in works))


def _mark_committed(
    works: tuple[PreparedMigration, ...], progress: RunProgress, committed: dict[int, timedelta]
) -> PreparedMigration | None:
    """Report the committed migrations, and return the first that is not committed."""
    progress.keep_only(committed)
    for work in works:
        version = work.step.migration.version
        if version not in committed:
            return work
        progress.add(work, committed[version], durable=True)
    return None
