"""Tracks which migrations of a run are committed, and which of these are flushed to disk."""

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
"""Seconds after which a run with asynchronous commits waits for the disk and reports progress."""


@dataclass(frozen=True, slots=True)
class PreparedMigration:
    """A step that is ready to run; without a ``message`` it runs statement by statement.

    ``index`` counts from 1. The ``script`` of a large file is empty, because it is read while it
    runs.
    """

    step: Step
    index: int
    script: Script
    name: str
    entry: journal.JournalEntry
    message: Message | None

    @property
    def leaves_session_unchanged(self) -> bool:
        """Whether the migration's message skips the reset because the script needs none."""
        return self.message is not None and self.message.skip_reset

    @property
    def may_touch_locks(self) -> bool:
        """Whether the migration may acquire or release advisory locks."""
        return is_large(self.step.migration) or may_touch_locks(self.script)


class RunProgress:
    """The progress of a run: committed migrations, reported or still waiting for the disk.

    ``batched`` and ``committed`` are the indexes, from 0, of the steps that were sent in a batch,
    and of the committed ones. ``session_unchanged`` is true while no migration can have changed the
    session, except for sequence state (``currval``). ``sequences_reset`` is true after a reset has
    removed the sequence state as well.
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
        self._flushed_at = monotonic()

    @property
    def unreported(self) -> tuple[int, ...]:
        """The versions that are committed and will be reported after the next flush."""
        return tuple(result.migration.version for result, _ in self._waiting)

    def needs_flush(self, index: int) -> bool:
        """Whether the commit of the step with this index, from 1, must wait for the disk."""
        due = monotonic() - self._flushed_at > _FLUSH_EVERY
        return not self.run.defers_wal_flush or index == self.total or due

    def add(self, work: PreparedMigration, duration: timedelta, *, durable: bool) -> None:
        """Add a committed migration; if it is durable, report it and all before it."""
        if work.index - 1 not in self.committed:
            self.committed.add(work.index - 1)
            result = MigrationResult(work.step.migration, work.step.gap, duration)
            self._waiting.append((result, work.index))
        if durable:  # WAL is flushed in order, so all earlier commits are durable too
            self.report_durable()

    def report_durable(self) -> None:
        """Report all committed migrations; the caller has flushed them."""
        self._flushed_at = monotonic()
        while self._waiting:
            result, index = self._waiting.pop(0)
            self.reported.append(result)
            self.run.options.on_event(Finished(result, index, self.total))

    def flush(self) -> None:
        """Flush the committed migrations that wait for the disk, and report them."""
        if self._waiting:
            with translate_errors(self.run.session):
                flush_wal(self.run.session)
            self.report_durable()

    def keep_only(self, committed: dict[int, timedelta]) -> None:
        """Report the waiting migrations that were read back as committed; discard the others."""
        self._waiting = [w for w in self._waiting if w[0].migration.version in committed]
        self.report_durable()
