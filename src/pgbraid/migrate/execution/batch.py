"""Sends several migrations as one message, each in its own transaction."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.lock_retry import is_transient
from pgbraid.migrate.execution.progress import (
    journal_failure,
    reporting_interruptions,
    reset_between,
    reset_session_once,
    resolve_batch,
)
from pgbraid.migrate.execution.transactional import (
    notice_listener,
)
from pgbraid.model.errors import (
    PgbraidError,
)
from pgbraid.model.events import Started
from pgbraid.model.migration import LARGE_SCRIPT_BYTES
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.transaction.boundaries import roll_back
from pgbraid.postgres.transaction.migration_message import Stage, send_batch
from pgbraid.postgres.transaction.script_runner import migration_error, transaction_ended_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.migrate.execution.progress import PreparedMigration, RunProgress
    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.postgres.transaction.migration_message import BatchResult, MessageResult

__all__ = ["apply_batch", "largest_batch", "next_batch"]

_BATCH_SIZE = 64
_BATCH_SIZE_ON_FRESH = 16


def largest_batch(run: RunContext) -> int:
    """Return the maximum number of migrations in one message.

    Some migrations that fail in a batch run a second time, alone. On a fresh database no other
    session is affected, so a few migrations form a batch there even without the option ``batch``.
    """
    if run.options.batch:
        return _BATCH_SIZE
    return _BATCH_SIZE_ON_FRESH if run.fresh else 1


def next_batch(
    run: RunContext,
    index: int,
    total: int,
    ready: dict[int, PreparedMigration],
    prepare: Callable[..., None],
) -> tuple[PreparedMigration, ...]:
    """Prepare and return the migrations of the next message, from the step at ``index``."""
    works: list[PreparedMigration] = []
    size = 0
    for position in range(index, min(index + largest_batch(run), total)):
        prepare(position)
        work = ready.get(position)
        size += work.step.migration.size if work else 0
        # A script that may release the session lock runs alone, so that the lock is checked next.
        if (
            work is None
            or work.message is None
            or work.may_touch_locks
            or size > LARGE_SCRIPT_BYTES
        ):
            break
        # One reset serves the whole batch, so its migrations must all need it or all skip it.
        if works and work.leaves_session_unchanged != works[0].leaves_session_unchanged:
            break
        works.append(work)
    return tuple(works)


def apply_batch(
    run: RunContext,
    works: tuple[PreparedMigration, ...],
    progress: RunProgress,
    prepare: Callable[..., None],
) -> None:
    """Send migrations in one message; the caller sends those that are not applied afterwards."""
    progress.batched |= {work.index - 1 for work in works}
    if len(works) <= 1:
        return
    for work in works:
        run.options.on_event(Started(work.step, work.index, progress.total))
    durable = progress.needs_flush(works[-1].index)
    with reporting_interruptions(run, works, progress):
        reset_session_once(run, works[0], progress)
        result = _send_batch(run, works, prepare, durable=durable)
        if not result.whole:
            _recover_batch(run, works, progress, result)
            return
        for work, seconds in zip(works, result.seconds, strict=True):
            progress.add(work, timedelta(seconds=seconds), durable=durable and work is works[-1])


def _send_batch(
    run: RunContext,
    works: tuple[PreparedMigration, ...],
    prepare: Callable[..., None],
    *,
    durable: bool,
) -> BatchResult:
    commits = [run.commit(durable=not run.defers_wal_flush)] * (len(works) - 1)
    commits.append(run.commit(durable=durable))
    messages = [work.message for work in works if work.message]
    next_index = works[-1].index
    with translate_errors(run.session):
        try:
            result = send_batch(
                run.session,
                tuple(zip(messages, commits, strict=True)),
                meanwhile=partial(prepare, *range(next_index, next_index + len(works))),
                on_notice=lambda number, notice: notice_listener(run, works[number].step.migration)(
                    notice
                ),
            )
        except BaseException as error:
            roll_back(run.session, error)
            raise
        roll_back(run.session)
        return result


def _recover_batch(
    run: RunContext,
    works: tuple[PreparedMigration, ...],
    progress: RunProgress,
    result: BatchResult,
) -> None:
    """Add the committed migrations to the progress, reset the session, and raise the failure.

    Raises nothing if the caller can send the failed migration again.
    """
    uncommitted = resolve_batch(run, works, progress, committed=works[: len(result.seconds)])
    if result.ended is not None:
        error = transaction_ended_error(works[result.ended].step.migration)
        with suppress(PgbraidError):  # the user needs the failure itself
            journal_failure(run, uncommitted or works[-1], error)
        raise error
    if not works[0].leaves_session_unchanged:
        reset_between(run)  # the rollback may have undone the reset at the end of the message
    if uncommitted and result.failure:
        _raise_failure(run, uncommitted, result.failure)


def _raise_failure(run: RunContext, work: PreparedMigration, result: MessageResult) -> None:
    """Raise the error of a migration that failed in a batch.

    In general the migration is not retried: a rollback does not restore the values of sequences,
    so a second attempt might succeed with other values. The function returns, and the caller sends
    the migration alone, if another session caused the error, or if the migration must run before
    an id is assigned to its transaction.
    """
    if result.error is None or result.failed_stage not in {Stage.BODY, Stage.DEFERRED}:
        return
    migration = work.step.migration
    with translate_errors(run.session):
        error = migration_error(
            run.session, migration, work.script, result.error, at=result.at, ended=result.ended
        )
    if error.needs_first_statement or is_transient(error.diagnostic):
        return
    with suppress(PgbraidError):  # the user needs the failure itself
        journal_failure(run, work, error)
    raise error
