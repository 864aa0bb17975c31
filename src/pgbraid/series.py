"""Applies one migration after the other, and says of none that it is applied before it is safe.

While the server works on one migration, the next is read, taken apart and made ready. On a fresh
database commits need not wait for the disk one by one: those that have not are told of only when
a later one has, or after an error, when they were flushed.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from pgbraid.apply import Unsure, run_at_once, run_atomically
from pgbraid.core.answers import Outcome
from pgbraid.core.events import Finished, Interrupted, Progressed, Started
from pgbraid.core.filenames import recorded_name
from pgbraid.core.script import Script
from pgbraid.core.stream import Part
from pgbraid.db import ledger as db
from pgbraid.db.body import half_done, may_touch_locks
from pgbraid.db.message import compose, deliver_batch
from pgbraid.db.outcome import read_after_loss, read_on
from pgbraid.db.session import clean, keep_lock, take_lock, translating
from pgbraid.db.transactions import flush, roll_back, transaction
from pgbraid.errors import (
    ConnectionFailed,
    LockLost,
    MigrationFailed,
    PgbraidError,
    ProblemsFound,
    Stopped,
)
from pgbraid.files import LARGE
from pgbraid.texts import Reading, decode, is_large, read_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.apply import Run
    from pgbraid.core.model import Step
    from pgbraid.db.message import Message

__all__ = ["apply_all"]

_FLUSH_EVERY = 0.25
"""Seconds after which a relaxed run waits for the disk again, and tells what is safe."""
_TOGETHER = 64
"""How many migrations one message holds at most, where they are sent together."""
_TOLD = 200
"""How often it is told, at most, how far a large migration is."""
_TRIES = 3
_FATES = {
    True: "it was committed",
    False: "it was rolled back",
    None: "whether it was committed is not known",
}


@dataclass(frozen=True, slots=True)
class _Work:
    """A step made ready; without a ``message`` its statements go one by one.

    ``index`` counts from 1. Of a large one the ``script`` is empty: it is read as it runs.
    """

    step: Step
    index: int
    script: Script
    name: str
    entry: db.Entry
    message: Message | None

    @property
    def may_touch_locks(self) -> bool:
        """Whether it may have taken an advisory lock, or given one away."""
        return is_large(self.step.migration) or may_touch_locks(self.script)


class _Tally:
    """What the run has committed: what is told of, and what waits for the disk.

    ``tried`` and ``passed`` are the indexes, from 0, of the steps that were sent together, and
    of those that are committed.
    """

    def __init__(self, run: Run, total: int) -> None:
        self.run = run
        self.total = total
        self.told: list[Outcome] = []
        self.tried: set[int] = set()
        self.passed: set[int] = set()
        self._waiting: list[tuple[Outcome, int]] = []
        self._flushed = monotonic()

    def must_wait(self, index: int) -> bool:
        """Whether the commit of the step of that index, from 1, is to wait for the disk."""
        due = monotonic() - self._flushed > _FLUSH_EVERY
        return not self.run.relaxed or index == self.total or due

    def add(self, work: _Work, duration: timedelta, *, durable: bool) -> None:
        """Enter what was committed; where it is durable, all before it is."""
        if work.index - 1 not in self.passed:
            self.passed.add(work.index - 1)
            outcome = Outcome(work.step.migration, work.step.gap, duration)
            self._waiting.append((outcome, work.index))
        if durable:
            self.tell()

    def tell(self) -> None:
        """Tell of everything that is on the disk now."""
        self._flushed = monotonic()
        waiting, self._waiting = self._waiting, []
        for outcome, index in waiting:
            self.told.append(outcome)
            self.run.options.listen(Finished(outcome, index, self.total))

    def flush(self) -> None:
        """Bring to the disk what waits, and tell of it."""
        if self._waiting:
            with translating(self.run.session):
                flush(self.run.session)
            self.tell()

    def keep(self, found: dict[int, timedelta]) -> None:
        """Tell of what was found to be committed, and on the disk, and forget the rest."""
        self._waiting = [w for w in self._waiting if w[0].migration.version in found]
        self.tell()


def apply_all(run: Run, steps: tuple[Step, ...]) -> tuple[Outcome, ...]:
    """Apply the steps in their order and return the outcome of each that this run applied.

    Raises what applying one of them raises; the error's ``applied`` holds what is committed,
    and on the disk.
    """
    tally = _Tally(run, len(steps))
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
    except KeyboardInterrupt:
        _save(tally)
        raise
    return tuple(tally.told)


def _save(tally: _Tally) -> None:
    """Flush after an error; what cannot be flushed is not told of."""
    with suppress(PgbraidError):
        tally.flush()


def _apply_each(run: Run, steps: tuple[Step, ...], tally: _Tally) -> None:
    ready: dict[int, _Work] = {}
    total = len(steps)

    def prepare(index: int) -> None:
        with suppress(ProblemsFound):  # it is prepared again, and raised, when its turn comes
            if index < total and index not in ready:
                ready[index] = _work(run, steps[index], index + 1)

    for index, step in enumerate(steps):
        if run.options.batch and index not in tally.tried:
            _apply_together(run, _bundle(index, total, ready, prepare), tally)
        if index in tally.passed:
            continue
        work = ready.pop(index, None) or _work(run, step, index + 1)
        run.options.listen(Started(step, work.index, total))
        with _accounting(run, (work,), tally):
            _apply_one(run, work, tally, ahead=partial(prepare, index + 1))


def _apply_one(run: Run, work: _Work, tally: _Tally, *, ahead: Callable[[], None]) -> None:
    durable = tally.must_wait(work.index)
    try:
        duration = _locked(run, work, durable=durable, ahead=ahead)
    except MigrationFailed as error:
        with suppress(PgbraidError):  # the failure itself matters more
            _journal_failure(run, work, error)
        raise
    if duration is not None:
        tally.add(work, duration, durable=durable)
    if work.index < tally.total and work.may_touch_locks:
        with translating(run.session):
            keep_lock(run.session, wait=run.options.lock_wait)


def _work(run: Run, step: Step, index: int) -> _Work:
    migration = step.migration
    name = recorded_name(migration, run.style)
    if is_large(migration):
        return _Work(step, index, Script(""), name, _entry(run, step, None, "applied"), None)
    data, script = read_script(migration)
    entry = _entry(run, step, decode(data), "applied")
    segments = script.segments()
    message = None
    if run.at_once and all(s.data is None for s in segments):
        writes = db.writes_of(run.session, migration, shape=run.shape, name=name, entry=entry)
        message = compose(
            run.session,
            segments[0] if segments else None,
            version=migration.version,
            label=migration.label,
            writes=writes,
        )
    return _Work(step, index, script, name, entry, message)


def _bundle(
    index: int, total: int, ready: dict[int, _Work], prepare: Callable[[int], None]
) -> tuple[_Work, ...]:
    """Make ready as many migrations as go to the server together."""
    works: list[_Work] = []
    size = 0
    for later in range(index, min(index + _TOGETHER, total)):
        prepare(later)
        work = ready.get(later)
        size += work.step.migration.size if work else 0
        if work is None or work.message is None or work.may_touch_locks or size > LARGE:
            break
        works.append(work)
    return tuple(works)


def _apply_together(run: Run, works: tuple[_Work, ...], tally: _Tally) -> None:
    """Send migrations together; those that did not run are left to be sent one by one."""
    tally.tried |= {work.index - 1 for work in works}
    if len(works) <= 1:
        return
    for work in works:
        run.options.listen(Started(work.step, work.index, tally.total))
    with _accounting(run, works, tally):
        durable = tally.must_wait(works[-1].index)
        commits = [run.commit(durable=not run.relaxed)] * (len(works) - 1)
        commits.append(run.commit(durable=durable))
        messages = [work.message for work in works if work.message]
        with translating(run.session):
            answer = deliver_batch(run.session, tuple(zip(messages, commits, strict=True)))
            roll_back(run.session)
        if answer.seconds is None:
            _account(works, tally, read_on(run.session, run.run_id) or {})
            if answer.ended is not None:
                raise half_done(works[answer.ended].step.migration)
            return
        for work, taken in zip(works, answer.seconds, strict=True):
            tally.add(work, timedelta(seconds=taken), durable=durable and work is works[-1])


@contextmanager
def _accounting(run: Run, works: tuple[_Work, ...], tally: _Tally) -> Iterator[None]:
    """Where applying these is cut short, find out which of them are committed, and say so."""
    try:
        yield
    except ConnectionFailed as error:
        fate = _interrupted(works, tally, read_after_loss(run.session, run.run_id))
        error.detail = f"{fate.step.migration.label} was in progress; {_FATES[fate.applied]}."
        run.options.listen(fate)
        raise
    except (Stopped, KeyboardInterrupt):
        with suppress(PgbraidError):
            found = read_on(run.session, run.run_id)
            run.options.listen(_interrupted(works, tally, found))
        raise


def _interrupted(
    works: tuple[_Work, ...], tally: _Tally, found: dict[int, timedelta] | None
) -> Interrupted:
    """Return which of them was in progress, and whether it is committed, if that was found."""
    if found is None:
        return Interrupted(works[0].step, applied=None)
    lost = _account(works, tally, found)
    return Interrupted((lost or works[-1]).step, applied=lost is None)


def _account(works: tuple[_Work, ...], tally: _Tally, found: dict[int, timedelta]) -> _Work | None:
    """Tell of those that were found committed, and return the first that was not."""
    tally.keep(found)
    for work in works:
        version = work.step.migration.version
        if version not in found:
            return work
        tally.add(work, found[version], durable=True)
    return None


def _locked(run: Run, work: _Work, *, durable: bool, ahead: Callable[[], None]) -> timedelta | None:
    """Apply one migration; where a body has given the lock away and another run has it, wait."""
    for _ in range(_TRIES):
        with suppress(LockLost):
            return _once(run, work, durable=durable, ahead=ahead)
        with translating(run.session):
            take_lock(run.session, wait=run.options.lock_wait)
    raise LockLost


def _once(run: Run, work: _Work, *, durable: bool, ahead: Callable[[], None]) -> timedelta | None:
    migration = work.step.migration
    if work.message:
        kept = run_at_once(
            run, migration, work.script, work.message, durable=durable, meanwhile=ahead
        )
        if not isinstance(kept, Unsure):
            if kept and not kept.clean:
                _clean(run)
            return kept.duration if kept else None
    duration = _stepwise(run, work, durable=durable)
    _clean(run)
    return duration


def _stepwise(run: Run, work: _Work, *, durable: bool) -> timedelta | None:
    """Apply one migration statement by statement, a large one as it is read."""
    session, migration = run.session, work.step.migration
    reading = Reading(migration) if is_large(migration) else None

    def record() -> timedelta:
        entry = work.entry
        if reading:
            left_out = {"statement": "left out, above 1 MB", "sha256_lf": reading.digest_lf}
            entry = replace(entry, detail={**(entry.detail or {}), **left_out})
        return db.record_applied(session, migration, shape=run.shape, name=work.name, entry=entry)

    return run_atomically(
        run,
        migration,
        _telling(run, work, reading) if reading else (Part(work.script),),
        wanted=lambda: not db.is_applied(session, migration.version),
        record=record,
        durable=durable,
    )


def _telling(run: Run, work: _Work, reading: Reading) -> Iterator[Part]:
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


def _journal_failure(run: Run, work: _Work, error: MigrationFailed) -> None:
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
