"""Runs a non-transactional migration statement by statement, and journals all but SET and RESET.

A statement that can run in a transaction commits together with its journal entry: exactly once.
For any other statement the journal gets one entry before it starts and one after it ends. If the
second entry is missing, pgbraid reads the catalog. If the catalog does not show either whether the
statement was done, the user decides. Each statement starts in a reset session with the SET
statements that precede it in the file. So a resumed migration runs under the same settings as an
uninterrupted one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.lock_retry import retry_on_lock_timeout
from pgbraid.migrate.nontransactional.journaled_run import DecisionRequired, NonTransactionalRun
from pgbraid.migrate.nontransactional.removed_statement import recover_removed_statement
from pgbraid.migrate.nontransactional.statement_errors import invalid_index
from pgbraid.migrate.nontransactional.statement_run import StatementRun
from pgbraid.model.errors import MigrationFailed, PgbraidError
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger.agreement import mark_unfinished
from pgbraid.postgres.ledger.record import record_nontransactional
from pgbraid.postgres.locks.session_lock import ensure_session_lock, retry_on_lock_lost
from pgbraid.postgres.transaction.boundaries import roll_back, transaction
from pgbraid.postgres.transaction.invalid_index_cleanup import invalid_among
from pgbraid.postgres.transaction.script_runner import run_segments
from pgbraid.postgres.transaction.statement_state import try_settings
from pgbraid.sql.classify import ExecutionKind, classify_statements

if TYPE_CHECKING:
    from pgbraid.migrate.execution.progress import PreparedMigration
    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.sql.classify import ScriptStatement

__all__ = ["apply_nontransactional"]


def apply_nontransactional(context: RunContext, work: PreparedMigration) -> timedelta | None:
    """Run the remaining statements of a non-transactional migration and record it as applied.

    Returns its duration, or None if another run has finished it. Raises MigrationFailed with the
    number of completed statements, LockTimeout if the lock was lost and cannot be acquired again,
    ServerError and ConnectionFailed.
    """
    run = NonTransactionalRun(
        context,
        work.step.migration,
        work.script,
        work.name,
        work.entry,
        classify_statements(work.script),
    )
    return retry_on_lock_lost(
        context.session,
        partial(_apply, run),
        wait=context.options.lock_wait,
        on_waiting=context.report_waiting,
    )


def _apply(run: NonTransactionalRun) -> timedelta | None:
    started_at = perf_counter()
    with translate_errors(run.session):
        progress = run.begin()
        if progress is None:
            return None
        try:
            _check_decision(run, progress)
            return _run_remaining(run, progress, started_at)
        except MigrationFailed as error:
            raise _with_progress(run, error) from None


def _run_remaining(
    run: NonTransactionalRun, progress: IncompleteMigration, started_at: float
) -> timedelta | None:
    """Run each remaining statement; the journal is read again before each."""
    previous: ScriptStatement | None = None
    while True:
        ensure_session_lock(
            run.session,
            wait=run.context.options.lock_wait,
            on_waiting=run.context.report_waiting,
        )
        current = run.restore_progress(progress)
        if current is None:
            return None
        progress = current
        if previous and previous.number not in progress.completed_numbers:
            raise run.journal_unreadable(previous)
        if recover_removed_statement(run, progress):
            continue
        statement = _next_statement(run, progress)
        if statement is None:
            break
        _run_statement(StatementRun(run, statement), progress)
        previous = statement
    _verify_result(run, progress)
    return _record(run, timedelta(seconds=perf_counter() - started_at))


def _next_statement(
    run: NonTransactionalRun, progress: IncompleteMigration
) -> ScriptStatement | None:
    """Return the first statement that is not completed.

    SET statements are skipped: they run again before each later statement.
    """
    remaining = (
        statement
        for statement in run.statements
        if statement.kind is not ExecutionKind.SETTING
        and statement.number not in progress.completed_numbers
    )
    return next(remaining, None)


def _check_decision(run: NonTransactionalRun, progress: IncompleteMigration) -> None:
    """Raise DecisionRequired if the migration made progress since the user decided."""
    request = run.context.options.decision
    if request is None or request.journal_lines == progress.journal_lines:
        return
    diagnostic = run.diagnostic(
        f"another run has continued {run.migration.label} since your decision",
        None,
        "Run `pgbraid status` to see its state, then decide again.",
    )
    raise DecisionRequired(run.migration, diagnostic)


def _run_statement(statement_run: StatementRun, progress: IncompleteMigration) -> None:
    """Run one statement, or skip it if the user decided so."""
    run, statement = statement_run.migration_run, statement_run.statement
    request = run.context.options.decision
    action = request.action if request and request.digest == statement.digest else None
    if action == "skip":
        skip = partial(run.attempt, partial(statement_run.skip, progress))
        retry_on_lock_timeout(run.context, run.migration, skip)
        return
    attempt = partial(statement_run.run, progress, retry=action == "retry")
    try:
        if statement.kind is ExecutionKind.NOT_REPEATABLE:
            attempt()
        else:
            retry_on_lock_timeout(run.context, run.migration, attempt)
    except MigrationFailed as error:
        raise statement_run.journal_failure(progress, error) from None


def _verify_result(run: NonTransactionalRun, progress: IncompleteMigration) -> None:
    """Raise MigrationFailed if a created index is invalid or a SET statement fails."""
    for completed in progress.completed:
        oids = (completed.index_oid,) if completed.index_oid else ()
        invalid = invalid_among(run.session, oids) if oids else ()
        statement = run.statement_of(completed)
        if invalid and statement:
            raise invalid_index(run, statement, invalid[0], completed=True)
    if run.statements:
        try_settings(run.session, partial(_apply_all_settings, run, run.statements[-1]))


def _apply_all_settings(run: NonTransactionalRun, last: ScriptStatement) -> None:
    """Run all SET statements of the file, even those at its end."""
    run.apply_settings(last)
    if last.kind is ExecutionKind.SETTING:
        run_segments(run.session, run.migration, (run.part(last),))


def _record(run: NonTransactionalRun, duration: timedelta) -> timedelta:
    context, entry = run.context, replace(run.entry, duration=duration)

    def record() -> None:
        # Each attempt has the waits of those before it, and of the statements.
        waited = context.with_waits(entry, run.migration.version)
        with transaction(run.session):
            record_nontransactional(
                run.session,
                run.migration,
                traits=context.ledger_traits,
                name=run.name,
                entry=waited,
            )
            mark_unfinished(run.session, run.migration.version, unfinished=False)

    retry_on_lock_timeout(context, run.migration, record)
    return duration


def _with_progress(run: NonTransactionalRun, error: MigrationFailed) -> MigrationFailed:
    """Return the error with the number of completed statements and the resume hint."""
    total = len(run.statements)
    error.incomplete = True
    error.completed_of_total = (0, total)
    if not error.hint or error.hint == MigrationFailed.default_hint:
        error.explain(error.detail, run.resume_hint)
    with suppress(PgbraidError), translate_errors(run.session):
        roll_back(run.session)
        reset_session(run.session)
        progress = run.read()
        error.completed_of_total = (len(progress.completed) if progress else 0, total)
    return error
