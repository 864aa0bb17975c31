"""What a run has made ready and committed, and what of it may be told."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from pgbraid.core.answers import Outcome
from pgbraid.core.events import Finished
from pgbraid.db.body import may_touch_locks
from pgbraid.db.session import translating
from pgbraid.db.transactions import flush
from pgbraid.texts import is_large

if TYPE_CHECKING:
    from datetime import timedelta

    from pgbraid.apply import Run
    from pgbraid.core.model import Step
    from pgbraid.core.script import Script
    from pgbraid.db import ledger as db
    from pgbraid.db.message import Message

__all__ = ["Tally", "Work"]

_FLUSH_EVERY = 0.25
"""Seconds after which a relaxed run waits for the disk again, and tells what is safe."""


@dataclass(frozen=True, slots=True)
class Work:
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
    def quiet(self) -> bool:
        """Whether its message cleans nothing behind it, as there is nothing."""
        return self.message is not None and self.message.quiet

    @property
    def may_touch_locks(self) -> bool:
        """Whether it may have taken an advisory lock, or given one away."""
        return is_large(self.step.migration) or may_touch_locks(self.script)


class Tally:
    """What the run has committed: what is told of, and what waits for the disk.

    ``tried`` and ``passed`` are the indexes, from 0, of the steps that were sent together, and
    of those that are committed. ``quiet`` says that no text so far can have left anything in the
    session but the state of sequences; ``calm`` that not even that is there.
    """

    def __init__(self, run: Run, total: int) -> None:
        self.run = run
        self.total = total
        self.told: list[Outcome] = []
        self.tried: set[int] = set()
        self.passed: set[int] = set()
        self.quiet = run.fresh
        self.calm = not run.fresh
        self._waiting: list[tuple[Outcome, int]] = []
        self._flushed = monotonic()

    @property
    def untold(self) -> tuple[int, ...]:
        """The versions that are committed, and wait for the disk to be told of."""
        return tuple(outcome.migration.version for outcome, _ in self._waiting)

    def must_wait(self, index: int) -> bool:
        """Whether the commit of the step of that index, from 1, is to wait for the disk."""
        due = monotonic() - self._flushed > _FLUSH_EVERY
        return not self.run.relaxed or index == self.total or due

    def add(self, work: Work, duration: timedelta, *, durable: bool) -> None:
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
        while self._waiting:
            outcome, index = self._waiting.pop(0)
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
