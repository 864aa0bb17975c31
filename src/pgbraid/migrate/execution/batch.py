"""Sends several migrations as one message."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.interruption import reporting_interruptions, resolve_batch
from pgbraid.migrate.execution.lock_retry import is_transient
from pgbraid.migrate.execution.run_journal import journal_failure, reset_between, reset_session_once
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
    """Return how many migrations one message holds at most.

    Several where that was asked for; a few on a fresh database, where it costs nobody anything.
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
    """Make ready as many migrations as go to the server together."""
    works: list[PreparedMigration] = []
    size = 0
    for later in range(index, min(index + largest_batch(run), total)):
        prepare(later)
        work = ready.get(later)
        size += work.step.migration.size if work else 0
        if (
            work is None
            or work.message is None
            or work.may_touch_locks
            or size > LARGE_SCRIPT_BYTES
        ):
            break
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
    """Send migrations together; those that were not begun are left to be sent one by one."""
    progress.batched |= {work.index - 1 for work in works}
    if len(works) <= 1:
        return
    for work in works:
        run.options.on_event(Started(work.step, work.index, progress.total))
    durable = progress.needs_flush(works[-1].index)
    with reporting_interruptions(run, works, progress):
        reset_session_once(run, works[0], progress)
        answer = _send_batch(run, works, prepare, durable=durable)
        if not answer.whole:
            _recover_batch(run, works, progress, answer)
            return
        for work, taken in zip(works, answer.seconds, strict=True):
            progress.add(work, timedelta(seconds=taken), durable=durable and work is works[-1])


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
    behind = works[-1].index
    with translate_errors(run.session):
        try:
            answer = send_batch(
                run.session,
                tuple(zip(messages, commits, strict=True)),
                meanwhile=partial(prepare, *range(behind, behind + len(works))),
                on_notice=lambda number, notice: notice_listener(run, works[number].step.migration)(
                    notice
                ),
            )
        except BaseException as error:
            roll_back(run.session, error)
            raise
        roll_back(run.session)
        return answer


def _recover_batch(
    run: RunContext,
    works: tuple[PreparedMigration, ...],
    progress: RunProgress,
    answer: BatchResult,
) -> None:
    """Enter those that are committed; what the rollback took back of the cleaning is cleaned."""
    lost = resolve_batch(run, works, progress, committed=works[: len(answer.seconds)])
    if answer.ended is not None:
        error = transaction_ended_error(works[answer.ended].step.migration)
        with suppress(PgbraidError):  # the failure itself matters more
            journal_failure(run, lost or works[-1], error)
        raise error
    if not works[0].leaves_session_unchanged:
        reset_between(run)
    if lost and answer.failure:
        _raise_failure(run, lost, answer.failure)


def _raise_failure(run: RunContext, work: PreparedMigration, answer: MessageResult) -> None:
    """Raise the error of a text that was sent with others.

    It is not tried again: no rollback takes back what it drew from a sequence, so that the second
    attempt may succeed, and with other values. Only where another session was in the way, or where
    the server wants the transaction to begin otherwise, is it left to be sent alone.
    """
    if answer.error is None or answer.failed_stage not in {Stage.BODY, Stage.DEFERRED}:
        return
    migration = work.step.migration
    with translate_errors(run.session):
        error = migration_error(
            run.session, migration, work.script, answer.error, at=answer.at, ended=answer.ended
        )
    if error.needs_first_statement or is_transient(error.diagnostic):
        return
    with suppress(PgbraidError):  # the failure itself matters more
        journal_failure(run, work, error)
    raise error
