"""Applies one migration after the other, and says of none that it is applied before it is safe.

While the server works on one migration, the next is read, taken apart and made ready. On a fresh
database commits need not wait for the disk one by one: those that have not are told of only when
a later one has, or after an error, when they were flushed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from pgbraid.apply import Unsure, run_at_once, run_atomically
from pgbraid.core.events import Finished, Interrupted, Started
from pgbraid.core.filenames import recorded_name
from pgbraid.core.model import Outcome
from pgbraid.db import ledger as db
from pgbraid.db.body import may_touch_locks
from pgbraid.db.message import compose
from pgbraid.db.outcome import read_after_loss
from pgbraid.db.session import clean, keep_lock, take_lock, translating
from pgbraid.db.transaction import flush, transaction
from pgbraid.errors import (
    ConnectionFailed,
    LockLost,
    MigrationFailed,
    PgbraidError,
    ProblemsFound,
    Stopped,
)
from pgbraid.texts import decode, read_script

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from pgbraid.apply import Run
    from pgbraid.core.model import Step
    from pgbraid.core.script import Script
    from pgbraid.db.message import Message

__all__ = ["apply_all"]

_AT_ONCE = 1_000_000
"""Bytes of a file above which it is not sent as one message: the server takes six times that."""
_FLUSH_EVERY = 0.25
"""Seconds after which a relaxed run waits for the disk again, and tells what is safe."""
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Work:
    """A step made ready; without a ``message`` its statements go one by one."""

    step: Step
    script: Script
    name: str
    entry: db.Entry
    message: Message | None


class _Tally:
    """What the run has committed: what is told of, and what waits for the disk."""

    def __init__(self, run: Run, total: int) -> None:
        self.run = run
        self.told: list[Outcome] = []
        self._waiting: list[tuple[Outcome, int]] = []
        self._total = total
        self._flushed = monotonic()

    def must_wait(self, index: int) -> bool:
        """Whether the commit of the step of that index, from 1, is to wait for the disk."""
        due = monotonic() - self._flushed > _FLUSH_EVERY
        return not self.run.relaxed or index == self._total or due

    def add(self, outcome: Outcome, index: int, *, durable: bool) -> None:
        """Enter what was committed; where it is durable, all before it is."""
        self._waiting.append((outcome, index))
        if durable:
            self.tell()

    def tell(self) -> None:
        """Tell of everything that is on the disk now."""
        self._flushed = monotonic()
        for outcome, index in self._waiting:
            self.told.append(outcome)
            self.run.options.listen(Finished(outcome, index, self._total))
        self._waiting.clear()

    def flush(self) -> None:
        """Bring to the disk what waits, and tell of it."""
        if self._waiting:
            with translating(self.run.session):
                flush(self.run.session)
            self.tell()

    def keep(self, found: dict[int, timedelta]) -> None:
        """Tell of what was found to be committed, on the disk, after the connection was lost."""
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

    def prepare(index: int) -> None:
        with suppress(ProblemsFound):  # it is prepared again, and raised, when its turn comes
            if index < len(steps):
                ready[index] = _work(run, steps[index])

    for index, step in enumerate(steps):
        run.options.listen(Started(step, index + 1, len(steps)))
        work = ready.pop(index, None) or _work(run, step)
        durable = tally.must_wait(index + 1)
        duration = _applied(run, work, tally, durable=durable, ahead=lambda: prepare(index + 1))  # noqa: B023 - called before the next turn
        if duration is not None:
            tally.add(Outcome(step.migration, step.gap, duration), index + 1, durable=durable)
        if index + 1 < len(steps) and may_touch_locks(work.script):
            with translating(run.session):
                keep_lock(run.session, wait=run.options.lock_wait)


def _work(run: Run, step: Step) -> _Work:
    migration = step.migration
    data, script = read_script(migration)
    name = recorded_name(migration, run.style)
    entry = _entry(run, step, decode(data), "applied")
    segments = script.segments()
    message = None
    if run.at_once and migration.size <= _AT_ONCE and all(s.data is None for s in segments):
        writes = db.writes_of(run.session, migration, shape=run.shape, name=name, entry=entry)
        segment = segments[0] if segments else None
        message = compose(
            run.session, segment, version=migration.version, label=migration.label, writes=writes
        )
    return _Work(step, script, name, entry, message)


def _applied(
    run: Run, work: _Work, tally: _Tally, *, durable: bool, ahead: Callable[[], None]
) -> timedelta | None:
    """Apply one migration and return how long it took; None where another run has applied it."""
    try:
        return _locked(run, work, durable=durable, ahead=ahead)
    except MigrationFailed as error:
        with suppress(PgbraidError):  # the failure itself matters more
            _journal_failure(run, work, error)
        raise
    except Stopped:
        run.options.listen(Interrupted(work.step, applied=False))
        raise
    except ConnectionFailed as error:
        _find_out(run, work, tally, error)
        raise
    except KeyboardInterrupt:
        _save(tally)
        run.options.listen(Interrupted(work.step, applied=_committed(run, work)))
        raise


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
    session = run.session
    duration = run_atomically(
        run,
        migration,
        work.script,
        wanted=lambda: not db.is_applied(session, migration.version),
        record=lambda: db.record_applied(
            session, migration, shape=run.shape, name=work.name, entry=work.entry
        ),
        durable=durable,
    )
    _clean(run)
    return duration


def _clean(run: Run) -> None:
    with translating(run.session):
        clean(run.session)


def _find_out(run: Run, work: _Work, tally: _Tally, error: ConnectionFailed) -> None:
    """Ask on a second connection what became of what this run had sent or not yet told of."""
    found = read_after_loss(run.session, run.run_id)
    label, version = work.step.migration.label, work.step.migration.version
    fate = "whether it was committed is not known"
    if found is not None:
        tally.keep(found)
        fate = "it was committed" if version in found else "it was rolled back"
        if version in found:
            index = len(tally.told) + 1
            outcome = Outcome(work.step.migration, work.step.gap, found[version])
            tally.add(outcome, index, durable=True)
    error.detail = f"{label} was in progress; {fate}."
    known = None if found is None else version in found
    run.options.listen(Interrupted(work.step, applied=known))


def _committed(run: Run, work: _Work) -> bool | None:
    """Whether a migration that was interrupted is committed; None where nobody can say."""
    with suppress(PgbraidError), translating(run.session):
        return db.is_applied(run.session, work.step.migration.version)
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


def _journal_failure(run: Run, work: _Work, error: MigrationFailed) -> None:
    said = error.diagnostic
    entry = _entry(
        run,
        work.step,
        work.entry.text or "",
        "failed",
        sqlstate=said.sqlstate,
        message=said.message,
    )
    with transaction(run.session):
        db.record_entry(run.session, entry)
