"""Applies one migration after the other, and says of none that it is applied before it is safe.

While the server works on one migration, the next is read, taken apart and made ready. On a fresh
database commits need not wait for the disk one by one: those that have not are told of only when
a later one has, or after an error, when they were flushed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.accounting import account_for, reporting_interruptions
from pgbraid.apply import Unsure, hearer, run_at_once, run_atomically, where_unwritten
from pgbraid.core.answers import Diagnostic
from pgbraid.core.events import Progressed, Started
from pgbraid.core.filenames import recorded_name
from pgbraid.core.model import Location
from pgbraid.core.quiet import is_quiet
from pgbraid.core.script import Script
from pgbraid.core.slots import concerns_slots
from pgbraid.core.stream import Part
from pgbraid.db import ledger as db
from pgbraid.db.body import failure, half_done
from pgbraid.db.lock import fenced, keep_lock
from pgbraid.db.message import Stage, compose, deliver_batch
from pgbraid.db.session import clean, translating
from pgbraid.db.transactions import roll_back, transaction
from pgbraid.errors import (
    ConnectionFailed,
    MigrationFailed,
    PgbraidError,
    ProblemsFound,
)
from pgbraid.files import LARGE
from pgbraid.patience import is_passing, with_retries
from pgbraid.piecemeal import apply_piecemeal
from pgbraid.tally import Tally, Work
from pgbraid.texts import Reading, decode, is_large, read_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.apply import Run
    from pgbraid.core.answers import Outcome
    from pgbraid.core.model import Step
    from pgbraid.db.message import Answer, BatchAnswer

__all__ = ["apply_all"]

_TOGETHER = 64
_TOGETHER_ON_FRESH = 16
_TOLD = 200
"""How often it is told, at most, how far a large migration is."""


def apply_all(run: Run, steps: tuple[Step, ...]) -> tuple[Outcome, ...]:
    """Apply the steps in their order and return the outcome of each that this run applied.

    Raises what applying one of them raises; the error's ``applied`` holds what is committed,
    and on the disk.
    """
    tally = Tally(run, len(steps))
    try:
        _apply_each(run, steps, tally)
        tally.flush()
    except ConnectionFailed as error:
        error.applied = tuple(tally.told)
        raise
    except PgbraidError as error:
        _save(tally)
        error.applied = tuple(tally.told)
        raise
    except BaseException as error:  # raised by a signal's handler or by who listens
        _save(tally)
        number = len(tally.told)
        error.add_note(f"pgbraid: {number} migration{'' if number == 1 else 's'} applied.")
        raise
    return tuple(tally.told)


def _save(tally: Tally) -> None:
    """Flush after an error; what cannot be flushed is not told of."""
    with suppress(PgbraidError):
        tally.flush()


def _apply_each(run: Run, steps: tuple[Step, ...], tally: Tally) -> None:
    ready: dict[int, Work] = {}
    total = len(steps)

    def prepare(*indexes: int) -> None:
        room = LARGE
        with suppress(ProblemsFound):  # it is prepared again, and raised, when its turn comes
            for index in indexes:
                if index < total and index not in ready and room > 0:
                    ready[index] = _work(run, steps[index], index + 1, tally)
                    room -= steps[index].migration.size

    for index, step in enumerate(steps):
        if index not in tally.tried and _most_together(run) > 1:
            _apply_together(run, _bundle(run, index, total, ready, prepare), tally, prepare)
        if index in tally.passed:
            ready.pop(index, None)
            continue
        work = ready.pop(index, None) or _work(run, step, index + 1, tally)
        run.options.listen(Started(step, work.index, total))
        with reporting_interruptions(run, (work,), tally):
            _calm(run, work, tally)
            _apply_one(run, work, tally, ahead=partial(prepare, index + 1))


def _calm(run: Run, work: Work, tally: Tally) -> None:
    """Clean before the first text that may see what quiet ones left: a sequence's last value."""
    if not work.quiet and not tally.calm:
        tally.calm = True
        _clean(run)


def _apply_one(run: Run, work: Work, tally: Tally, *, ahead: Callable[[], None]) -> None:
    durable = tally.must_wait(work.index)
    try:
        duration = _locked(run, work, durable=durable, ahead=ahead)
    except MigrationFailed as error:
        if error.through is None:
            with suppress(PgbraidError):  # the failure itself matters more
                _journal_failure(run, work, error)
        raise
    if duration is not None:
        tally.add(work, duration, durable=durable)
    else:
        _check_elsewhere(run, work)
    if work.index < tally.total and work.may_touch_locks:
        with translating(run.session):
            keep_lock(run.session, wait=run.options.lock_wait)


def _check_elsewhere(run: Run, work: Work) -> None:
    """Make sure that another run has applied what the set has; a row alone is no proof of that."""
    migration, tracker = work.step.migration, run.session.tracker
    with translating(run.session):
        if db.applied_by_another(run.session, migration.version, run.run_id):
            return
    said = Diagnostic(
        "ERROR",
        f"{tracker.schema}.{tracker.table} has version {migration.version} already, and no run of "
        "pgbraid has applied it",
        detail="Its row was written after this run began: by a migration, or by another program.",
        hint=f"If the row is right, run `pgbraid up` again; if not, delete it first. The file is "
        f"{migration.path}.",
        location=Location(migration.path),
    )
    raise MigrationFailed(migration, said)


def _work(run: Run, step: Step, index: int, tally: Tally) -> Work:
    migration = step.migration
    name = recorded_name(migration, run.style)
    if is_large(migration):
        tally.quiet = False
        return Work(step, index, Script(""), name, _entry(run, step, None, "applied"), None)
    data, script = read_script(migration)
    alone = migration.directives.no_transaction
    tally.quiet = tally.quiet and is_quiet(script) and not alone
    entry = _entry(run, step, decode(data), "applied")
    segments = script.segments()
    message = None
    stepwise = alone or migration.directives.isolation is not None or concerns_slots(script.text)
    if run.at_once and not stepwise and all(s.data is None for s in segments):
        writes = db.writes_of(run.session, migration, shape=run.shape, name=name, entry=entry)
        message = compose(
            run.session,
            segments[0] if segments else None,
            version=migration.version,
            label=migration.label,
            writes=writes,
            limits=run.limits_of(migration),
            quiet=tally.quiet,
        )
    return Work(step, index, script, name, entry, message)


def _most_together(run: Run) -> int:
    """Return how many migrations one message holds at most.

    Several where that was asked for; a few on a fresh database, where it costs nobody anything.
    """
    if run.options.batch:
        return _TOGETHER
    return _TOGETHER_ON_FRESH if run.fresh else 1


def _bundle(
    run: Run, index: int, total: int, ready: dict[int, Work], prepare: Callable[..., None]
) -> tuple[Work, ...]:
    """Make ready as many migrations as go to the server together."""
    works: list[Work] = []
    size = 0
    for later in range(index, min(index + _most_together(run), total)):
        prepare(later)
        work = ready.get(later)
        size += work.step.migration.size if work else 0
        if work is None or work.message is None or work.may_touch_locks or size > LARGE:
            break
        if works and work.quiet != works[0].quiet:
            break
        works.append(work)
    return tuple(works)


def _apply_together(
    run: Run, works: tuple[Work, ...], tally: Tally, prepare: Callable[..., None]
) -> None:
    """Send migrations together; those that were not begun are left to be sent one by one."""
    tally.tried |= {work.index - 1 for work in works}
    if len(works) <= 1:
        return
    for work in works:
        run.options.listen(Started(work.step, work.index, tally.total))
    durable = tally.must_wait(works[-1].index)
    with reporting_interruptions(run, works, tally):
        _calm(run, works[0], tally)
        answer = _sent_together(run, works, prepare, durable=durable)
        if not answer.whole:
            _after_a_failure(run, works, tally, answer)
            return
        for work, taken in zip(works, answer.seconds, strict=True):
            tally.add(work, timedelta(seconds=taken), durable=durable and work is works[-1])


def _sent_together(
    run: Run, works: tuple[Work, ...], prepare: Callable[..., None], *, durable: bool
) -> BatchAnswer:
    commits = [run.commit(durable=not run.relaxed)] * (len(works) - 1)
    commits.append(run.commit(durable=durable))
    messages = [work.message for work in works if work.message]
    behind = works[-1].index
    with translating(run.session):
        try:
            answer = deliver_batch(
                run.session,
                tuple(zip(messages, commits, strict=True)),
                meanwhile=partial(prepare, *range(behind, behind + len(works))),
                hear=lambda number, said: hearer(run, works[number].step.migration)(said),
            )
        except BaseException as error:
            roll_back(run.session, error)
            raise
        roll_back(run.session)
        return answer


def _after_a_failure(run: Run, works: tuple[Work, ...], tally: Tally, answer: BatchAnswer) -> None:
    """Enter those that are committed; what the rollback took back of the cleaning is cleaned."""
    lost = account_for(run, works, tally, committed=works[: len(answer.seconds)])
    if answer.ended is not None:
        error = half_done(works[answer.ended].step.migration)
        with suppress(PgbraidError):  # the failure itself matters more
            _journal_failure(run, lost or works[-1], error)
        raise error
    if not works[0].quiet:
        _clean(run)
    if lost and answer.stopped:
        _raise_failure(run, lost, answer.stopped)


def _raise_failure(run: Run, work: Work, answer: Answer) -> None:
    """Raise the error of a text that was sent with others.

    It is not tried again: no rollback takes back what it drew from a sequence, so that the second
    attempt may succeed, and with other values. Only where another session was in the way, or where
    the server wants the transaction to begin otherwise, is it left to be sent alone.
    """
    if answer.error is None or answer.stopped not in {Stage.BODY, Stage.DEFERRED}:
        return
    migration = work.step.migration
    with translating(run.session):
        error = failure(
            run.session, migration, work.script, answer.error, at=answer.at, ended=answer.ended
        )
    if error.unwritten or is_passing(error.diagnostic):
        return
    with suppress(PgbraidError):  # the failure itself matters more
        _journal_failure(run, work, error)
    raise error


def _locked(run: Run, work: Work, *, durable: bool, ahead: Callable[[], None]) -> timedelta | None:
    """Apply one migration, patient with other sessions' locks and with other runs."""
    if work.step.migration.directives.no_transaction:
        return apply_piecemeal(run, work)
    once = partial(_once, run, work, durable=durable, ahead=ahead)
    attempt = partial(fenced, run.session, once, wait=run.options.lock_wait, tell=run.tell_waiting)
    return with_retries(run, work.step.migration, attempt)


def _once(run: Run, work: Work, *, durable: bool, ahead: Callable[[], None]) -> timedelta | None:
    attempt = partial(_attempt, run, work, durable=durable, ahead=ahead)
    return where_unwritten(run.session, work.script.text, attempt)


def _attempt(
    run: Run, work: Work, *, durable: bool, ahead: Callable[[], None], without_id: bool
) -> timedelta | None:
    migration = work.step.migration
    if work.message and not without_id:
        kept = run_at_once(
            run, migration, work.script, work.message, durable=durable, meanwhile=ahead
        )
        if not isinstance(kept, Unsure):
            if kept and not kept.clean:
                _clean(run)
            return kept.duration if kept else None
        _clean(run)  # what the message prepared outlives its rollback
    duration = _stepwise(run, work, durable=durable, without_id=without_id)
    _clean(run)
    return duration


def _stepwise(run: Run, work: Work, *, durable: bool, without_id: bool) -> timedelta | None:
    """Apply one migration statement by statement, a large one as it is read."""
    session, migration = run.session, work.step.migration
    reading = Reading(migration) if is_large(migration) else None

    def record() -> timedelta:
        entry = work.entry
        if reading:
            entry = replace(entry, digest_lf=reading.digest_lf)
        return db.record_applied(session, migration, shape=run.shape, name=work.name, entry=entry)

    return run_atomically(
        run,
        migration,
        _telling(run, work, reading) if reading else (Part(work.script),),
        wanted=lambda: not db.is_applied(session, migration.version),
        record=record,
        durable=durable,
        without_id=without_id,
    )


def _telling(run: Run, work: Work, reading: Reading) -> Iterator[Part]:
    """Yield a large migration's parts, and tell how far it is."""
    told = 0
    for part in reading.body():
        yield part
        if reading.seen - told > work.step.migration.size // _TOLD:
            told = reading.seen
            run.options.listen(Progressed(work.step, told))


def _clean(run: Run) -> None:
    with translating(run.session):
        clean(run.session)


def _entry(run: Run, step: Step, text: str | None, event: str, **detail: str | None) -> db.Entry:
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


def _journal_failure(run: Run, work: Work, error: MigrationFailed) -> None:
    said = error.diagnostic
    entry = _entry(
        run,
        work.step,
        work.entry.text,
        "failed",
        sqlstate=said.sqlstate,
        message=said.message,
    )
    with transaction(run.session):
        db.record_entry(run.session, entry)
