"""What a run has committed when something cut it short, and what it says of that."""

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
    None: "whether it was committed is not known",
}


def resolve_batch(
    run: RunContext,
    works: tuple[PreparedMigration, ...],
    progress: RunProgress,
    *,
    committed: tuple[PreparedMigration, ...],
) -> PreparedMigration | None:
    """Tell of those that are committed, asked on the run's own connection.

    Of those whose COMMIT the server has answered, the set is proof enough, as a body may prune
    the journal. Returns the first that is not committed. Raises ServerError where that cannot be
    read.
    """
    found = read_outcome(run.session, run.run_id, _versions(committed, progress))
    if found is None:
        raise ServerError("what this run has committed cannot be read")
    return _mark_committed(works, progress, found.applied)


@contextmanager
def reporting_interruptions(
    run: RunContext, works: tuple[PreparedMigration, ...], progress: RunProgress
) -> Iterator[None]:
    """Where applying these is cut short, find out which of them are committed, and say so."""
    try:
        yield
    except ConnectionFailed as error:
        fate = _interrupted(run, works, progress)
        said = "it is incomplete" if fate.incomplete else _OUTCOMES[fate.applied]
        error.detail = f"{fate.step.migration.label} was in progress; {said}."
        run.options.on_event(fate)
        raise
    except BaseException as stop:
        if isinstance(stop, PgbraidError) and not isinstance(stop, Stopped):
            raise
        fate = _interrupted(run, works, progress)
        said = "it is incomplete" if fate.incomplete else _OUTCOMES[fate.applied]
        said = f"{fate.step.migration.label} was in progress; {said}."
        if isinstance(stop, Stopped):
            stop.detail = said
        else:
            stop.add_note(f"pgbraid: {said}")
        run.options.on_event(fate)
        raise


def _interrupted(
    run: RunContext, works: tuple[PreparedMigration, ...], progress: RunProgress
) -> Interrupted:
    """Return which of them was in progress, and whether it is committed, if that was found."""
    found = resolve_outcome(run.session, run.run_id, progress.unreported)
    if found is None:
        return Interrupted(works[0].step, applied=None)
    lost = _mark_committed(works, progress, found.applied)
    step = (lost or works[-1]).step
    incomplete = lost is not None and step.migration.version in found.incomplete
    return Interrupted(step, applied=lost is None, incomplete=incomplete)


def _versions(works: tuple[PreparedMigration, ...], progress: RunProgress) -> tuple[int, ...]:
    """Return the versions that are committed and were not told of yet, these among them."""
    return (*progress.unreported, *(work.step.migration.version for work in works))


def _mark_committed(
    works: tuple[PreparedMigration, ...], progress: RunProgress, found: dict[int, timedelta]
) -> PreparedMigration | None:
    """Tell of those that were found committed, and return the first that was not."""
    progress.keep_only(found)
    for work in works:
        version = work.step.migration.version
        if version not in found:
            return work
        progress.add(work, found[version], durable=True)
    return None
