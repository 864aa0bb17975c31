"""What a run has committed when something cut it short, and what it says of that."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgbraid.core.events import Interrupted
from pgbraid.db.outcome import read_fate, read_on
from pgbraid.errors import ConnectionFailed, PgbraidError, ServerError, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from pgbraid.apply import Run
    from pgbraid.tally import Tally, Work

__all__ = ["account_for", "reporting_interruptions"]

_FATES = {
    True: "it was committed",
    False: "it was rolled back",
    None: "whether it was committed is not known",
}


def account_for(
    run: Run, works: tuple[Work, ...], tally: Tally, *, committed: tuple[Work, ...]
) -> Work | None:
    """Tell of those that are committed, asked on the run's own connection.

    Of those whose COMMIT the server has answered, the set is proof enough, as a body may prune
    the journal. Returns the first that is not committed. Raises ServerError where that cannot be
    read.
    """
    found = read_on(run.session, run.run_id, _versions(committed, tally))
    if found is None:
        raise ServerError("what this run has committed cannot be read")
    return _account(works, tally, found.applied)


@contextmanager
def reporting_interruptions(run: Run, works: tuple[Work, ...], tally: Tally) -> Iterator[None]:
    """Where applying these is cut short, find out which of them are committed, and say so."""
    try:
        yield
    except ConnectionFailed as error:
        fate = _interrupted(run, works, tally)
        said = "it is half done" if fate.half_done else _FATES[fate.applied]
        error.detail = f"{fate.step.migration.label} was in progress; {said}."
        run.options.listen(fate)
        raise
    except BaseException as stop:
        if isinstance(stop, PgbraidError) and not isinstance(stop, Stopped):
            raise
        fate = _interrupted(run, works, tally)
        said = "it is half done" if fate.half_done else _FATES[fate.applied]
        said = f"{fate.step.migration.label} was in progress; {said}."
        if isinstance(stop, Stopped):
            stop.detail = said
        else:
            stop.add_note(f"pgbraid: {said}")
        run.options.listen(fate)
        raise


def _interrupted(run: Run, works: tuple[Work, ...], tally: Tally) -> Interrupted:
    """Return which of them was in progress, and whether it is committed, if that was found."""
    found = read_fate(run.session, run.run_id, tally.untold)
    if found is None:
        return Interrupted(works[0].step, applied=None)
    lost = _account(works, tally, found.applied)
    step = (lost or works[-1]).step
    half_done = lost is not None and step.migration.version in found.half_done
    return Interrupted(step, applied=lost is None, half_done=half_done)


def _versions(works: tuple[Work, ...], tally: Tally) -> tuple[int, ...]:
    """Return the versions that are committed and were not told of yet, these among them."""
    return (*tally.untold, *(work.step.migration.version for work in works))


def _account(works: tuple[Work, ...], tally: Tally, found: dict[int, timedelta]) -> Work | None:
    """Tell of those that were found committed, and return the first that was not."""
    tally.keep(found)
    for work in works:
        version = work.step.migration.version
        if version not in found:
            return work
        tally.add(work, found[version], durable=True)
    return None
