"""Tracks and journals the progress of a run, and reports it after an interruption.

A migration is committed first and flushed to disk later; only then it is reported as applied.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConnectionFailed, PgbraidError, ServerError, Stopped
from pgbraid.model.events import Finished, Interrupted
from pgbraid.model.migration import MigrationResult
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.ledger.commit_outcome import read_outcome, resolve_outcome
from pgbraid.postgres.transaction.boundaries import flush_wal, transaction
from pgbraid.postgres.transaction.script_runner import may_touch_locks
from pgbraid.source.content import is_large

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.errors import (
        MigrationFailed,
    )
    from pgbraid.model.plan import Step
    from pgbraid.postgres.transaction.migration_message import Message
    from pgbraid.sql.script import Script


__all__ = [
    "PreparedMigration",
    "RunProgress",
    "journal_failure",
    "new_entry",
    "reporting_interruptions",
    "reset_between",
    "reset_session_once",
    "resolve_batch",
]

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
    removed the sequence state as well. ``ledger_untouched`` is true while, besides, no migration
    has named the ledger.
    """

    def __init__(self, run: RunContext, total: int) -> None:
        self.run = run
        self.total = total
        self.reported: list[MigrationResult] = []
        self.batched: set[int] = set()
        self.committed: set[int] = set()
        self.session_unchanged = self.ledger_untouched = run.fresh
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


def reset_session_once(run: RunContext, work: PreparedMigration, progress: RunProgress) -> None:
    """Reset the session before the first migration that could observe state of earlier ones.

    Migrations that change nothing in the session but ``currval`` and ``lastval`` skip the reset.
    """
    if not work.leaves_session_unchanged and not progress.sequences_reset:
        progress.sequences_reset = True
        reset_between(run)


def reset_between(run: RunContext) -> None:
    """Reset the session after a migration; raise errors of pgbraid, not of the driver."""
    with translate_errors(run.session):
        reset_session(run.session)


def new_entry(
    run: RunContext, step: Step, text: str | None, event: str, **detail: str | int | None
) -> journal.JournalEntry:
    """Return a journal entry of a step of the run."""
    migration = step.migration
    return journal.JournalEntry(
        run.run_id,
        event,
        migration.version,
        migration.name,
        checksum=migration.checksum,
        text=text,
        detail={**({"gap": True} if step.gap else {}), **detail},
    )


def journal_failure(run: RunContext, work: PreparedMigration, error: MigrationFailed) -> None:
    """Append the entry of a failed migration, in a transaction of its own."""
    diagnostic = error.diagnostic
    entry = new_entry(
        run,
        work.step,
        work.entry.text,
        "failed",
        sqlstate=diagnostic.sqlstate,
        message=diagnostic.message,
    )
    with transaction(run.session):
        journal.append(run.session, run.with_waits(entry, work.step.migration.version))


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
