"""Applies the steps of a plan in order, and reports a migration only when it is durable.

While the server runs one migration, pgbraid reads, parses and prepares the next. On a fresh
database some commits do not wait for the disk. They are reported only after a later commit has
waited, or after an explicit flush.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.batch import apply_batch, largest_batch, next_batch
from pgbraid.migrate.execution.lock_retry import retry_on_lock_timeout
from pgbraid.migrate.execution.progress import (
    PreparedMigration,
    RunProgress,
    journal_failure,
    new_entry,
    reporting_interruptions,
    reset_between,
    reset_session_once,
)
from pgbraid.migrate.execution.transactional import (
    RunStatementwise,
    apply_in_one_message,
    apply_in_transaction,
    retry_without_xid,
)
from pgbraid.migrate.nontransactional.executor import apply_nontransactional
from pgbraid.model.errors import (
    ConnectionFailed,
    MigrationFailed,
    PgbraidError,
    ProblemsFound,
)
from pgbraid.model.events import FileProgress, Started
from pgbraid.model.migration import LARGE_SCRIPT_BYTES, Diagnostic, Location
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.ledger.record import (
    applied_by_another,
    is_applied,
    record_applied,
    record_sql,
)
from pgbraid.postgres.locks.session_lock import ensure_session_lock, retry_on_lock_lost
from pgbraid.postgres.transaction.migration_message import build_message
from pgbraid.source.content import LargeFileReader, decode, is_large, read_script
from pgbraid.source.filenames import recorded_name
from pgbraid.sql.script import Script
from pgbraid.sql.session_effects import concerns_slots, leaves_session_unchanged, may_name_table
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.migration import MigrationResult
    from pgbraid.model.plan import Step
    from pgbraid.postgres.ledger.journal import JournalEntry
    from pgbraid.postgres.transaction.migration_message import Message

__all__ = ["apply_steps"]

_PROGRESS_REPORTS = 200
"""The maximum number of progress events of one large migration."""


def apply_steps(run: RunContext, steps: tuple[Step, ...]) -> tuple[MigrationResult, ...]:
    """Apply the steps in order and return the results of those that this run applied.

    Raises the error of the first step that fails. The ``applied`` of the error holds the results
    that are committed and flushed to disk.
    """
    progress = RunProgress(run, len(steps))
    try:
        _apply_each(run, steps, progress)
        progress.flush()
    except ConnectionFailed as error:  # no flush: reporting_interruptions has read the outcome
        error.applied = tuple(progress.reported)
        raise
    except PgbraidError as error:
        _flush_after_error(progress)
        error.applied = tuple(progress.reported)
        raise
    except BaseException as error:  # raised by a signal handler or by the event listener
        _flush_after_error(progress)
        number = len(progress.reported)
        error.add_note(f"pgbraid: {number} migration{'' if number == 1 else 's'} applied.")
        raise
    return tuple(progress.reported)


def _flush_after_error(progress: RunProgress) -> None:
    """Flush after an error; a migration that cannot be flushed is not reported."""
    with suppress(PgbraidError):
        progress.flush()


def _apply_each(run: RunContext, steps: tuple[Step, ...], progress: RunProgress) -> None:
    ready: dict[int, PreparedMigration] = {}
    total = len(steps)

    def prepare(*indexes: int) -> None:
        room = LARGE_SCRIPT_BYTES
        # Prepared ahead of its turn: a problem must not stop the migrations before it. The
        # migration is prepared again, and the problem raised, when its turn comes.
        with suppress(ProblemsFound):
            for index in indexes:
                if index < total and index not in ready and room > 0:
                    ready[index] = _prepare(run, steps[index], index + 1, progress)
                    room -= steps[index].migration.size

    for index, step in enumerate(steps):
        if index not in progress.batched and largest_batch(run) > 1:
            apply_batch(run, next_batch(run, index, total, ready, prepare), progress, prepare)
        if index in progress.committed:
            ready.pop(index, None)
            continue
        work = ready.pop(index, None) or _prepare(run, step, index + 1, progress)
        run.options.on_event(Started(step, work.index, total))
        with reporting_interruptions(run, (work,), progress):
            reset_session_once(run, work, progress)
            _apply_one(run, work, progress, ahead=partial(prepare, index + 1))


def _apply_one(
    run: RunContext, work: PreparedMigration, progress: RunProgress, *, ahead: Callable[[], None]
) -> None:
    """Apply one migration and add it to the progress; journal a failure if it was rolled back."""
    durable = progress.needs_flush(work.index)
    try:
        duration = _apply_with_retries(run, work, durable=durable, ahead=ahead)
    except MigrationFailed as error:
        if error.completed_of_total is None:
            # The user needs the failure itself, even if it cannot be journaled.
            with suppress(PgbraidError):
                journal_failure(run, work, error)
        raise
    if duration is not None:
        progress.add(work, duration, durable=durable)
    else:
        _check_elsewhere(run, work)
    # The script may have released the session lock, or left an advisory lock of its own.
    if work.index < progress.total and work.may_touch_locks:
        with translate_errors(run.session):
            ensure_session_lock(
                run.session, wait=run.options.lock_wait, on_waiting=run.report_waiting
            )


def _check_elsewhere(run: RunContext, work: PreparedMigration) -> None:
    """Raise MigrationFailed unless another run of pgbraid has written the version's row."""
    migration, ledger = work.step.migration, run.session.ledger
    with translate_errors(run.session):
        if applied_by_another(run.session, migration.version, run.run_id):
            return
    diagnostic = Diagnostic(
        "ERROR",
        f"{ledger.schema}.{ledger.table} has version {migration.version} already, but no run of "
        "pgbraid has applied it",
        detail="A migration or another program wrote its row after this run began.",
        hint=f"If the row is right, run `pgbraid up` again; if not, delete it first. The file is "
        f"{migration.path}.",
        location=Location(migration.path),
    )
    raise MigrationFailed(migration, diagnostic)


def _prepare(run: RunContext, step: Step, index: int, progress: RunProgress) -> PreparedMigration:
    """Read the file again and prepare it; raise ProblemsFound if it changed since the plan."""
    migration = step.migration
    name = recorded_name(migration, run.name_style)
    if is_large(migration):
        progress.session_unchanged = progress.ledger_untouched = False
        return PreparedMigration(
            step,
            index,
            Script(""),
            name,
            _applied_entry(run, step, None, index, progress.total),
            None,
        )
    data, script = read_script(migration)
    nontransactional = migration.directives.no_transaction
    # From the first script that may change the session, all later messages include the reset.
    progress.session_unchanged = (
        progress.session_unchanged and leaves_session_unchanged(script) and not nontransactional
    )
    progress.ledger_untouched = (
        progress.ledger_untouched
        and progress.session_unchanged
        and not may_name_table(script.text, run.session.ledger.table)
    )
    entry = _applied_entry(run, step, decode(data), index, progress.total)
    message = _message(
        run,
        PreparedMigration(step, index, script, name, entry, None),
        skip_reset=progress.session_unchanged,
        untouched=progress.ledger_untouched,
    )
    return PreparedMigration(step, index, script, name, entry, message)


def _applied_entry(
    run: RunContext, step: Step, text: str | None, index: int, total: int
) -> JournalEntry:
    """Return the journal entry of a migration that the run applies.

    The first one has the number of migrations that the run was to apply. So the journal shows
    whether a run came to its end, and no run writes a line for it.
    """
    planned = {"planned": total} if index == 1 and total > 1 else {}
    return new_entry(run, step, text, "applied", **planned)


def _message(
    run: RunContext, work: PreparedMigration, *, skip_reset: bool, untouched: bool
) -> Message | None:
    """Return a migration as one message; None if it must run statement by statement.

    For ``skip_reset`` and an ``untouched`` ledger, see :func:`build_message`.
    """
    migration, script = work.step.migration, work.script
    segments = script.segments()
    statementwise = (
        migration.directives.no_transaction
        or migration.directives.isolation is not None
        or concerns_slots(script.text)
    )
    # One message per migration costs one network round trip instead of a dozen. COPY cannot be
    # part of it: the server reads its data from later messages.
    if not run.can_use_one_message or statementwise or any(s.data is not None for s in segments):
        return None
    writes = record_sql(
        run.session,
        migration,
        traits=run.ledger_traits,
        name=work.name,
        entry=work.entry,
        untouched=untouched,
    )
    return build_message(
        run.session,
        segments[0] if segments else None,
        version=migration.version,
        label=migration.label,
        writes=writes,
        limits=run.limits_of(migration),
        skip_reset=skip_reset,
        ledger_untouched=untouched,
    )


def _apply_with_retries(
    run: RunContext, work: PreparedMigration, *, durable: bool, ahead: Callable[[], None]
) -> timedelta | None:
    """Apply one migration; wait for locks of other sessions and for other runs."""
    if work.step.migration.directives.no_transaction:
        return apply_nontransactional(run, work)
    once = partial(_apply_once, run, work, durable=durable, ahead=ahead)
    attempt = partial(
        retry_on_lock_lost,
        run.session,
        once,
        wait=run.options.lock_wait,
        on_waiting=run.report_waiting,
    )
    return retry_on_lock_timeout(run, work.step.migration, attempt)


def _apply_once(
    run: RunContext, work: PreparedMigration, *, durable: bool, ahead: Callable[[], None]
) -> timedelta | None:
    attempt = partial(_attempt, run, _with_waits(run, work), durable=durable, ahead=ahead)
    return retry_without_xid(run.session, work.script.text, attempt)


def _with_waits(run: RunContext, work: PreparedMigration) -> PreparedMigration:
    """Return a migration that records the waits of its earlier attempts in this run, if any."""
    entry = run.with_waits(work.entry, work.step.migration.version)
    if entry is work.entry:
        return work
    waited = replace(work, entry=entry)
    if work.message is None:
        return waited
    # The next migration is prepared already and may name the ledger, so the message checks it.
    message = _message(run, waited, skip_reset=work.message.skip_reset, untouched=False)
    return replace(waited, message=message)


def _attempt(
    run: RunContext,
    work: PreparedMigration,
    *,
    durable: bool,
    ahead: Callable[[], None],
    without_id: bool,
) -> timedelta | None:
    """Apply one migration once; return its duration, or None if another run has applied it."""
    migration = work.step.migration
    if work.message and not without_id:
        result = apply_in_one_message(
            run, migration, work.script, work.message, durable=durable, meanwhile=ahead
        )
        if not isinstance(result, RunStatementwise):
            if result and not result.session_is_clean:
                reset_between(run)
            return result.duration if result else None
        reset_between(run)  # prepared statements survive the rollback of the message
    duration = _apply_statementwise(run, work, durable=durable, without_id=without_id)
    reset_between(run)
    return duration


def _apply_statementwise(
    run: RunContext, work: PreparedMigration, *, durable: bool, without_id: bool
) -> timedelta | None:
    """Apply one migration statement by statement; a large file runs while it is read."""
    session, migration = run.session, work.step.migration
    reading = LargeFileReader(migration) if is_large(migration) else None

    def record() -> timedelta:
        entry = work.entry
        if reading:  # the digest of a large file is known only after its last part
            entry = replace(entry, digest_lf=reading.digest_lf)
        return record_applied(
            session, migration, traits=run.ledger_traits, name=work.name, entry=entry
        )

    return apply_in_transaction(
        run,
        migration,
        _reporting_progress(run, work, reading) if reading else (ScriptPart(work.script),),
        still_needed=lambda: not is_applied(session, migration.version),
        record=record,
        durable=durable,
        without_id=without_id,
    )


def _reporting_progress(
    run: RunContext, work: PreparedMigration, reading: LargeFileReader
) -> Iterator[ScriptPart]:
    """Yield the parts of a large migration, and report how many bytes were read."""
    reported = 0
    for part in reading.executable_parts():
        yield part
        if reading.seen - reported > work.step.migration.size // _PROGRESS_REPORTS:
            reported = reading.seen
            run.options.on_event(FileProgress(work.step, reported))
