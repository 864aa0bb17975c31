"""What a run has made ready and committed, and what of it may be told."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from pgbraid.model.events import Finished
from pgbraid.model.migration import MigrationResult
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.transaction.boundaries import flush_wal
from pgbraid.postgres.transaction.script_runner import may_touch_locks
from pgbraid.source.content import is_large

if TYPE_CHECKING:
    from datetime import timedelta

    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.plan import Step
    from pgbraid.postgres.ledger import journal
    from pgbraid.postgres.transaction.migration_message import Message
    from pgbraid.sql.script import Script

__all__ = ["PreparedMigration", "RunProgress"]

_FLUSH_EVERY = 0.25
"""Seconds after which a relaxed run waits for the disk again, and tells what is safe."""


@dataclass(frozen=True, slots=True)
class PreparedMigration:
    """A step made ready; without a ``message`` its statements go one by one.

    ``index`` counts from 1. Of a large one the ``script`` is empty: it is read as it runs.
    """

    step: Step
    index: int
    script: Script
    name: str
    entry: journal.JournalEntry
    message: Message | None

    @property
    def leaves_session_unchanged(self) -> bool:
        """Whether its message cleans nothing behind it, as there is nothing."""
        return self.message is not None and self.message.skip_reset

    @property
    def may_touch_locks(self) -> bool:
        """Whether it may have taken an advisory lock, or given one away."""
        return is_large(self.step.migration) or may_touch_locks(self.script)


class RunProgress:
    """What the run has committed: what is told of, and what waits for the disk.

    ``batched`` and ``committed`` are the indexes, from 0, of the steps that were sent together, and
    of those that are committed. ``session_unchanged`` says that no text so far can have left
    anything in the session but the state of sequences; ``sequences_reset`` that not even that is
    there.
    """

    def __init__(self, run: RunContext, total: int) -> None:
        self.run = run
        self.total = total
        self.reported: list[MigrationResult] = []
        self.batched: set[int] = set()
        self.committed: set[int] = set()
        self.session_unchanged = run.fresh
        self.sequences_reset = not run.fresh
        self._waiting: list[tuple[MigrationResult, int]] = []
        self._flushed = monotonic()

    @property
    def unreported(self) -> tuple[int, ...]:
        """The versions that are committed, and wait for the disk to be told of."""
        return tuple(outcome.migration.version for outcome, _ in self._waiting)

    def needs_flush(self, index: int) -> bool:
        """Whether the commit of the step of that index, from 1, is to wait for the disk."""
        due = monotonic() - self._flushed > _FLUSH_EVERY
        return not self.run.defers_wal_flush or index == self.total or due

    def add(self, work: PreparedMigration, duration: timedelta, *, durable: bool) -> None:
        """Enter what was committed; where it is durable, all before it is."""
        if work.index - 1 not in self.committed:
            self.committed.add(work.index - 1)
            outcome = MigrationResult(work.step.migration, work.step.gap, duration)
            self._waiting.append((outcome, work.index))
        if durable:
            self.report_durable()

    def report_durable(self) -> None:
        """Tell of everything that is on the disk now."""
        self._flushed = monotonic()
        while self._waiting:
            outcome, index = self._waiting.pop(0)
            self.reported.append(outcome)
            self.run.options.on_event(Finished(outcome, index, self.total))

    def flush(self) -> None:
        """Bring to the disk what waits, and tell of it."""
        if self._waiting:
            with translate_errors(self.run.session):
                flush_wal(self.run.session)
            self.report_durable()

    def keep_only(self, found: dict[int, timedelta]) -> None:
        """Tell of what was found to be committed, and on the disk, and forget the rest."""
        self._waiting = [w for w in self._waiting if w[0].migration.version in found]
        self.report_durable()
