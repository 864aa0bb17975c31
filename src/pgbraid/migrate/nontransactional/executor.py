"""Runs a migration outside a transaction: statement by statement, each of them in the journal.

What can run in a transaction does, together with its line of the journal: exactly once. What
cannot is written down before it begins and after it ended; where nobody saw the end, the catalog
is asked what became of it, and where that does not say it either, a person is. Each statement
begins in a clean session, in which the settings that the file has made so far are made again, so
that a file that was cut goes on as if it had not been.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.lock_retry import retry_on_lock_timeout
from pgbraid.migrate.nontransactional.journaled_run import (
    DecisionRequired,
    NonTransactionalRun,
    as_migration_error,
    resume_hint,
)
from pgbraid.migrate.nontransactional.recovery import (
    find_started,
    recover_removed_statement,
    recover_statement,
)
from pgbraid.migrate.nontransactional.statement_runner import (
    _not_valid,
    check_created_index,
    journal_failed_statement,
    run_statement,
)
from pgbraid.model.errors import MigrationFailed, PgbraidError
from pgbraid.model.events import StatementSkipped
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger.agreement import mark_unfinished
from pgbraid.postgres.ledger.record import record_nontransactional
from pgbraid.postgres.locks.session_lock import ensure_session_lock, retry_on_lock_lost
from pgbraid.postgres.transaction.boundaries import roll_back, transaction
from pgbraid.postgres.transaction.script_runner import run_segments
from pgbraid.postgres.transaction.statement_state import (
    invalid_among,
    try_settings,
)
from pgbraid.sql.classify import ExecutionKind, classify_statements

if TYPE_CHECKING:
    from pgbraid.migrate.execution.progress import PreparedMigration
    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.sql.classify import ScriptStatement

__all__ = ["apply_nontransactional"]


def apply_nontransactional(run: RunContext, work: PreparedMigration) -> timedelta | None:
    """Run what is left of a migration outside a transaction, and record it as applied.

    Returns the time it took, or None where another run was quicker. Raises MigrationFailed with
    how many statements are through, LockTimeout where the lock was lost and is not to be had,
    ServerError and ConnectionFailed.
    """
    file = NonTransactionalRun(
        run,
        work.step.migration,
        work.script,
        work.name,
        work.entry,
        classify_statements(work.script),
    )
    return retry_on_lock_lost(
        run.session,
        partial(_apply, file),
        wait=run.options.lock_wait,
        on_waiting=run.report_waiting,
    )


def _apply(file: NonTransactionalRun) -> timedelta | None:
    begun = perf_counter()
    with translate_errors(file.run.session):
        incomplete = file.begin()
        if incomplete is None:
            return None
        try:
            _check_decision(file, incomplete)
            return _run_remaining(file, incomplete, begun)
        except MigrationFailed as error:
            raise _as_incomplete(file, error) from None


def _run_remaining(
    file: NonTransactionalRun, incomplete: IncompleteMigration, begun: float
) -> timedelta | None:
    """Bring all that is left behind us, each thing by where the journal says the file stands."""
    known, ran = incomplete, None
    while True:
        ensure_session_lock(file.run.session, wait=file.run.options.lock_wait)
        now = file.restore_progress(known)
        if now is None:
            return None
        known = now
        if ran and ran.number not in known.completed_numbers:
            raise file.not_kept(ran)
        if recover_removed_statement(file, known):
            continue
        statement = _next(file, known)
        if statement is None:
            break
        _run_next(file, statement, known)
        ran = statement
    _finish(file, known)
    return _record(file, timedelta(seconds=perf_counter() - begun))


def _next(file: NonTransactionalRun, incomplete: IncompleteMigration) -> ScriptStatement | None:
    """Return the first statement that is not through; settings are made on the way."""
    left = (
        p
        for p in file.statements
        if p.kind is not ExecutionKind.SETTING and p.number not in incomplete.completed_numbers
    )
    return next(left, None)


def _check_decision(file: NonTransactionalRun, incomplete: IncompleteMigration) -> None:
    """Refuse what was decided about a file that has moved on since it was looked at."""
    asked = file.run.options.decision
    if asked is None or asked.journal_lines == incomplete.journal_lines:
        return
    said = file.said(
        f"another run has gone on with {file.migration.label} since it was looked at",
        None,
        f"Run `pgbraid resume {file.migration.version}` to see where it stands now.",
    )
    raise DecisionRequired(file.migration, said)


def _finish(file: NonTransactionalRun, incomplete: IncompleteMigration) -> None:
    """Refuse to count a file as applied over what is not valid, or over settings that fail."""
    for through in incomplete.completed:
        invalid = invalid_among(file.run.session, (through.index_oid,)) if through.index_oid else ()
        statement = file.place_of(through)
        if invalid and statement:
            raise _not_valid(file, statement, invalid[0])
    if file.statements:
        last = file.statements[-1]
        try_settings(file.run.session, partial(_make_all_settings, file, last))


def _make_all_settings(file: NonTransactionalRun, last: ScriptStatement) -> None:
    """Make the settings that a file ends with, so that one that fails is not passed over."""
    file.make_settings(last)
    if last.kind is ExecutionKind.SETTING:
        run_segments(file.run.session, file.migration, (file.part(last),))


def _record(file: NonTransactionalRun, taken: timedelta) -> timedelta:
    run, entry = file.run, replace(file.entry, duration=taken)

    def record() -> None:
        with transaction(run.session):
            record_nontransactional(
                run.session, file.migration, traits=run.ledger_traits, name=file.name, entry=entry
            )
            mark_unfinished(run.session, file.migration.version, unfinished=False)

    retry_on_lock_timeout(run, file.migration, record)
    return taken


def _run_next(
    file: NonTransactionalRun, statement: ScriptStatement, incomplete: IncompleteMigration
) -> None:
    """Bring one statement behind us."""
    asked = file.run.options.decision
    decided = asked.action if asked and asked.digest == statement.digest else None
    if decided == "skip":
        skip = partial(as_migration_error, file, partial(_skip, file, statement, incomplete))
        retry_on_lock_timeout(file.run, file.migration, skip)
        return
    attempt = partial(run_statement, file, statement, incomplete, retry=decided == "retry")
    try:
        if statement.kind is ExecutionKind.NOT_REPEATABLE:
            attempt()
        else:
            retry_on_lock_timeout(file.run, file.migration, attempt)
    except MigrationFailed as error:
        raise journal_failed_statement(file, statement, incomplete, error) from None


def _skip(
    file: NonTransactionalRun, statement: ScriptStatement, incomplete: IncompleteMigration
) -> None:
    """Take a statement for done, but for an index that is not valid."""
    made = check_created_index(file, statement)
    begun = find_started(incomplete, statement)
    if begun is not None and statement.kind is ExecutionKind.REINDEX:
        recover_statement(file, statement, begun)
    file.append(file.new_entry("statement_skipped", statement, index=made))
    file.run.options.on_event(StatementSkipped(file.migration, statement.number, statement.text))


def _as_incomplete(file: NonTransactionalRun, error: MigrationFailed) -> MigrationFailed:
    """Return an error with how far the file is."""
    session = file.run.session
    error.incomplete = True
    error.completed_of_total = (0, len(file.statements))
    if not error.hint or error.hint == MigrationFailed.default_hint:
        error.explain(error.detail, resume_hint(file))
    with suppress(PgbraidError), translate_errors(session):
        roll_back(session)
        reset_session(session)
        incomplete = file.read()
        error.completed_of_total = (
            len(incomplete.completed) if incomplete else 0,
            len(file.statements),
        )
    return error
