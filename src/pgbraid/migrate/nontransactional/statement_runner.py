"""Runs one statement of a non-transactional migration, between its lines in the journal."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pgbraid.migrate.execution.transactional import (
    notice_listener,
    retry_without_xid,
    verify_transaction,
)
from pgbraid.migrate.nontransactional.journaled_run import (
    DecisionRequired,
    NonTransactionalRun,
    as_migration_error,
    index_exists_error,
    resume_hint,
    started_detail,
    statement_diagnostic,
)
from pgbraid.migrate.nontransactional.recovery import (
    find_started,
    prepare_session,
    recover_statement,
    settle_there,
)
from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed, PgbraidError
from pgbraid.model.incomplete import CompletedStatement, StartedStatement
from pgbraid.postgres.client.server_errors import forward_notices, translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.transaction.boundaries import apply_body_settings, roll_back, transaction
from pgbraid.postgres.transaction.script_runner import run_script, run_segments
from pgbraid.postgres.transaction.statement_state import (
    capture_state,
    created_index,
)
from pgbraid.sql.classify import ExecutionKind

if TYPE_CHECKING:
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.sql.classify import ScriptStatement

__all__ = ["check_created_index", "journal_failed_statement", "run_statement"]


def run_statement(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    incomplete: IncompleteMigration,
    *,
    retry: bool,
) -> None:
    """Run a statement in a transaction, or alone where none can hold it.

    Of some only the catalog tells that: REINDEX of a partitioned table, DROP SUBSCRIPTION.
    """
    if statement.kind is ExecutionKind.TRANSACTIONAL:
        begun = find_started(incomplete, statement)
        try:
            if begun is None:
                _run_in_transaction(file, statement, incomplete)
                return
        except MigrationFailed as error:
            if not error.needs_no_transaction or error.incomplete:
                raise
        statement = _as_alone(statement)
    as_migration_error(file, partial(_run_autocommit, file, statement, incomplete, retry=retry))


def _as_alone(statement: ScriptStatement) -> ScriptStatement:
    """Return a statement that turned out to be none for a transaction as what it is."""
    command, again = statement.statement.words[0], {("REINDEX",), ("CLUSTER",)}
    kind = (
        ExecutionKind.REPEATABLE
        if statement.statement.words[:1] in again
        else ExecutionKind.NOT_REPEATABLE
    )
    return replace(statement, kind=kind, command=command)


def _run_in_transaction(
    file: NonTransactionalRun, statement: ScriptStatement, incomplete: IncompleteMigration
) -> None:
    """Run a statement and its line of the journal in one transaction."""
    session = file.run.session
    with translate_errors(session):
        attempt = partial(_run_within, file, statement, incomplete)
        retry_without_xid(session, statement.text, attempt)


def _run_within(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    incomplete: IncompleteMigration,
    *,
    without_id: bool,
) -> None:
    """Run a statement in a transaction; behind the fence look whether another run was quicker."""
    run, session = file.run, file.run.session
    with (
        forward_notices(session, notice_listener(run, file.migration)),
        transaction(session, without_xid=without_id) as opened,
    ):
        now = file.read_progress(incomplete)
        if now is None or statement.number in now.completed_numbers:
            return
        apply_body_settings(session, run.limits_of(file.migration))
        file.make_settings(statement)
        run_script(session, file.migration, (file.part(statement),))
        verify_transaction(run, file.migration, opened)
        file.read_progress(now)  # what it has taken out of the journal is rolled back with it
        journal.append(session, file.new_entry("statement_done", statement))
    reset_session(session)


def _run_autocommit(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    incomplete: IncompleteMigration,
    *,
    retry: bool,
) -> None:
    """Run a statement that no transaction holds, between its two lines of the journal."""
    now = file.read_progress(incomplete)
    if now is None or statement.number in now.completed_numbers:
        return
    begun = find_started(now, statement)
    if begun is not None:
        verdict = recover_statement(file, statement, begun, retry=retry)
        if verdict.done:
            file.append(file.new_entry("statement_done", statement, index=verdict.index))
            return
    own = _captured(file, statement)
    if begun is None and own.catalog_before.get("index") and not retry:
        if _existing_index_is_right(file, statement, own):
            return
        own = _captured(file, statement)
    others = tuple(b for b in now.started if b.digest != statement.digest)
    file.append(file.new_entry("statement_started", own, **started_detail(own)))
    try:
        _send(file, statement, own)
    except MigrationFailed as error:
        file.restore_progress(replace(now, started=(*others, own)))
        if not statement.if_not_exists or error.sqlstate != sqlstate.DUPLICATE_TABLE:
            raise
        # Another session created the index after it was looked for, so what is there is not ours.
        said = error.diagnostic
        detail = {"sqlstate": said.sqlstate, "message": said.message}
        file.append(file.new_entry("failed", statement, **detail))
        _run_autocommit(file, statement, incomplete, retry=False)
        return
    index = check_created_index(file, statement)
    through = CompletedStatement(statement.number, statement.digest, index)
    then = replace(now, completed=(*now.completed, through), started=others)
    file.restore_progress(now, then=then)
    file.append(file.new_entry("statement_done", through, index=index))


def _captured(file: NonTransactionalRun, statement: ScriptStatement) -> StartedStatement:
    """Return a statement as it is journaled before it runs, with the catalog's state of now."""
    settings = partial(file.make_settings, statement)
    return _as_begun(statement, capture_state(file.run.session, statement, settings))


def _send(file: NonTransactionalRun, statement: ScriptStatement, own: StartedStatement) -> None:
    """Run the statement in a session with its settings, and reset the session."""
    session, settings = file.run.session, partial(file.make_settings, statement)
    partitioned = bool(own.catalog_before.get("partitioned"))
    try:
        prepare_session(file, statement, settings, partitioned=partitioned)
        with forward_notices(session, notice_listener(file.run, file.migration)):
            run_segments(session, file.migration, (file.part(statement),))
    except MigrationFailed:
        roll_back(session)
        reset_session(session)
        raise
    reset_session(session)


def _existing_index_is_right(
    file: NonTransactionalRun, statement: ScriptStatement, own: StartedStatement
) -> bool:
    """Whether IF NOT EXISTS passes an index over that is what the statement makes; journals it."""
    if not statement.if_not_exists:
        raise index_exists_error(file, statement, own.catalog_before)
    verdict = settle_there(file, statement, own)
    if verdict.done:
        file.append(
            file.new_entry("statement_done", statement, index=verdict.index, passed_over=True)
        )
    return verdict.done


def _as_begun(statement: ScriptStatement, before: dict[str, Any]) -> StartedStatement:
    """Return a statement as it is written down before it runs."""
    texts = tuple(setting.text for setting in statement.settings)
    return StartedStatement(
        statement.number,
        statement.digest,
        statement.text,
        texts,
        statement.kind,
        statement.command,
        before,
    )


def check_created_index(file: NonTransactionalRun, statement: ScriptStatement) -> int | None:
    """Return the oid of the index that a statement has made; refuse one that is not valid."""
    made = created_index(file.run.session, statement, partial(file.make_settings, statement))
    if made is None:
        return None
    oid, invalid = made
    if invalid:
        raise _not_valid(file, statement, invalid)
    return oid


def _not_valid(file: NonTransactionalRun, statement: ScriptStatement, name: str) -> MigrationFailed:
    said = statement_diagnostic(
        file,
        statement,
        f"the index {name} is not valid",
        detail="It is there, but the server does not use it.",
        hint=resume_hint(file),
    )
    return MigrationFailed(file.migration, said, incomplete=True)


def journal_failed_statement(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    incomplete: IncompleteMigration,
    error: MigrationFailed,
) -> MigrationFailed:
    """Return an error with what the statement left; write it into the journal."""
    session, said = file.run.session, error.diagnostic
    left: tuple[int, str | None] | None = None
    if isinstance(error, DecisionRequired):
        return error
    with suppress(PgbraidError), translate_errors(session):
        roll_back(session)
        reset_session(session)
        now = file.read_progress(incomplete)
        begun = find_started(now, statement) if now else None
        left = _leftover_index(file, statement, begun, said.sqlstate)
        detail = {"sqlstate": said.sqlstate, "message": said.message}
        own = {"left": left[0]} if left else {}
        file.append(file.new_entry("failed", statement, **detail, **own))
    invalid = f"It left the index {left[1]} invalid." if left else ""
    lines = (said.detail, invalid)
    error.explain("\n".join(line for line in lines if line), said.hint or resume_hint(file))
    return error


def _leftover_index(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    begun: StartedStatement | None,
    code: str | None,
) -> tuple[int, str] | None:
    """Return the invalid index that a statement left right now: its oid and its name."""
    if (
        begun is None
        or begun.catalog_before.get("index") is not None
        or code == sqlstate.DUPLICATE_TABLE
    ):
        return None
    made = created_index(file.run.session, statement, partial(file.make_settings, statement))
    return (made[0], made[1]) if made and made[1] else None
