"""What becomes of statements that were begun outside a transaction and not seen to end.

What they left is taken away where it is known to be ours; what is done counts as done; and where
the catalog does not tell, a person is asked. That holds for a statement that the file still has,
and for one that it has no longer, as it was edited since.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.lock_retry import retry_on_lock_timeout
from pgbraid.migrate.nontransactional.journaled_run import (
    DecisionRequired,
    as_migration_error,
    index_exists_error,
    statement_diagnostic,
    unknown_outcome_error,
)
from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed
from pgbraid.model.events import LeftoverDropped, ServerNotice
from pgbraid.model.options import Limits
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import record
from pgbraid.postgres.transaction.boundaries import apply_session_settings
from pgbraid.postgres.transaction.statement_state import assess, invalid_among
from pgbraid.sql.classify import ExecutionKind, classify_statements
from pgbraid.sql.parser import parse
from pgbraid.sql.secrets import mask, secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.migrate.nontransactional.journaled_run import NonTransactionalRun
    from pgbraid.model.incomplete import IncompleteMigration, StartedStatement
    from pgbraid.postgres.transaction.statement_state import RecoveryDecision
    from pgbraid.sql.classify import ScriptStatement

__all__ = [
    "drop_leftover",
    "find_started",
    "prepare_session",
    "recover_removed_statement",
    "recover_statement",
    "settle_there",
]

_PATIENT = frozenset({ExecutionKind.CREATE_INDEX, ExecutionKind.DROP_INDEX, ExecutionKind.REINDEX})


def find_started(
    incomplete: IncompleteMigration, statement: ScriptStatement
) -> StartedStatement | None:
    """Return how a statement of the file was begun, or None."""
    return next((begun for begun in incomplete.started if begun.digest == statement.digest), None)


def recover_statement(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    begun: StartedStatement,
    *,
    retry: bool = False,
) -> RecoveryDecision:
    """Take away what an earlier run of a statement left; return what is known of it.

    Raises MigrationFailed where somebody else is at work there, Undecided where only a person
    can say what became of it, unless it is to be run again whatever did: to ``retry``.
    """
    then = replace(statement, kind=ExecutionKind(begun.kind), command=begun.command)
    verdict = _judged(file, then, begun)
    if verdict.unknown_reason and not retry:
        raise unknown_outcome_error(file, statement, verdict.unknown_reason)
    for cleanup in verdict.cleanup_sql:
        drop_leftover(file, then, cleanup, partial(file.make_settings_of, begun))
    return verdict


def settle_there(
    file: NonTransactionalRun, statement: ScriptStatement, begun: StartedStatement
) -> RecoveryDecision:
    """Settle what has the name of an index, IF NOT EXISTS, that is not begun yet.

    An index that is valid and is the one that the statement makes is passed over, one that is not
    valid is dropped. Raises MigrationFailed where somebody is at work there, Undecided where it is
    another index or no index.
    """
    verdict = _judged(file, statement, replace(begun, catalog_before={}))
    if verdict.unknown_reason:
        raise index_exists_error(file, statement, begun.catalog_before)
    for cleanup in verdict.cleanup_sql:
        drop_leftover(file, statement, cleanup, partial(file.make_settings_of, begun))
    if verdict.done:
        said = statement_diagnostic(
            file,
            statement,
            f"the index {begun.catalog_before['index']} is there already, valid and as this "
            "statement makes it: it is passed over",
        )
        said = replace(said, severity="NOTICE", sqlstate=sqlstate.DUPLICATE_TABLE)
        file.run.options.on_event(ServerNotice(file.migration, said))
    return verdict


def recover_removed_statement(file: NonTransactionalRun, incomplete: IncompleteMigration) -> bool:
    """Settle one statement that was begun, and that the file has no longer.

    Returns whether there was one. Raises what :func:`recover_statement` raises; that it was done is
    for a person to look at, as the file no longer says so.
    """
    own = {statement.digest for statement in file.statements}
    begun = next((begun for begun in incomplete.started if begun.digest not in own), None)
    if begun is None:
        return False
    settle = partial(as_migration_error, file, partial(_settle, file, begun))
    retry_on_lock_timeout(file.run, file.migration, settle)
    return True


def _settle(file: NonTransactionalRun, begun: StartedStatement) -> None:
    """Settle it; that a person lets go of it answers what only a person can say."""
    statement = _as_begun(begun)
    asked = file.run.options.decision
    let_go = asked is not None and (asked.action, asked.digest) == ("skip", begun.digest)
    verdict = _judged(file, statement, begun)
    left = invalid_among(file.run.session, (verdict.index,)) if verdict.index else ()
    if left or ((verdict.unknown_reason or verdict.done) and not let_go):
        raise _orphaned(file, statement, _reason(verdict, left))
    for cleanup in () if verdict.done else verdict.cleanup_sql:
        drop_leftover(file, statement, cleanup, partial(file.make_settings_of, begun))
    file.append(file.new_entry("statement_abandoned", statement))


def _reason(verdict: RecoveryDecision, left: tuple[str, ...]) -> str:
    """Say why a person has to look at a statement that the file has no longer."""
    if left:
        return f"it has left {left[0]} not valid, or somebody has"
    if verdict.unknown_reason:
        return f"whether it was done is not known: {verdict.unknown_reason}"
    return "it was done, or is done but for its end"


def _orphaned(
    file: NonTransactionalRun, statement: ScriptStatement, reason: str
) -> DecisionRequired:
    version = file.migration.version
    said = statement_diagnostic(
        file,
        statement,
        f"statement {statement.number} was begun with another text, and {reason}",
        detail=f"It was: {' '.join(mask(statement.text, secrets_in(statement.text)).split())}",
        hint="Give it its old text and settings back. Or put right what it did; then `pgbraid "
        f"resume {version} --skip {statement.number}` lets go of it, and goes on with the "
        "file as it is now.",
    )
    return DecisionRequired(file.migration, said)


def _as_begun(begun: StartedStatement) -> ScriptStatement:
    """Return a statement as it was begun, at its place then."""
    statement = classify_statements(parse(begun.text))[0]
    kind = ExecutionKind(begun.kind)
    return replace(
        statement,
        number=begun.number,
        digest=begun.digest,
        kind=kind,
        command=begun.command,
        if_not_exists=False,  # the file no longer accepts an index that was there before
    )


def _judged(
    file: NonTransactionalRun, statement: ScriptStatement, begun: StartedStatement
) -> RecoveryDecision:
    """Judge a statement, once nobody else is at work on what it is about."""
    verdict = assess(file.run.session, statement, begun, partial(file.make_settings_of, begun))
    if verdict.in_use:
        said = statement_diagnostic(
            file, statement, f"somebody builds the index {verdict.in_use}, or vacuums its table"
        )
        raise MigrationFailed(file.migration, replace(said, sqlstate=sqlstate.LOCK_NOT_AVAILABLE))
    return verdict


def prepare_session(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    apply_settings: Callable[[], None],
    *,
    partitioned: bool = False,
) -> None:
    """Make the session, out of a transaction, what the statement is to find.

    What builds concurrently blocks nobody while it waits, and leaves something incomplete where it
    is cut: it waits as long as it takes. Not so REINDEX of something partitioned, which locks the
    partitions against writing for a moment, and everybody behind it in line.
    """
    session, limits = file.run.session, file.run.limits_of(file.migration)
    concurrent = statement.kind in _PATIENT and "CONCURRENTLY" in (statement.command or "")
    patient = concurrent and not partitioned
    if patient:
        limits = Limits(0.0, file.migration.directives.statement_timeout or 0.0)
    apply_session_settings(session, limits)
    apply_settings()
    if patient:
        apply_session_settings(session, limits, path=False)


def drop_leftover(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    cleanup: str,
    apply_settings: Callable[[], None],
) -> None:
    """Take away what an earlier run of a statement left, which is known to be ours."""
    prepare_session(file, statement, apply_settings)
    session = file.run.session
    file.run.options.on_event(LeftoverDropped(file.migration, cleanup))
    record.run_nontransactional(session, cleanup)
    reset_session(session)
    file.append(file.new_entry("leftover_dropped", statement, statement=cleanup))
