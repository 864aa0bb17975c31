"""The errors of one non-transactional statement, with the commands that resolve them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.nontransactional.journaled_run import DecisionRequired
from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed
from pgbraid.model.migration import Diagnostic, Location
from pgbraid.sql.classify import ExecutionKind
from pgbraid.sql.script import line_at
from pgbraid.sql.secrets import mask, secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pgbraid.migrate.nontransactional.journaled_run import NonTransactionalRun
    from pgbraid.model.incomplete import RecoveryDecision
    from pgbraid.sql.classify import ScriptStatement

__all__ = [
    "diagnostic",
    "index_exists",
    "index_in_use",
    "invalid_index",
    "unknown_outcome",
    "unresolved_removed_statement",
]


def unknown_outcome(
    run: NonTransactionalRun, statement: ScriptStatement, decision: RecoveryDecision
) -> DecisionRequired:
    """Return the error of a statement whose outcome neither the journal nor the catalog shows."""
    resume = f"`pgbraid resume {run.migration.version}"
    number = statement.number
    if statement.kind is ExecutionKind.CREATE_INDEX and decision.index is not None:
        hint = (
            f"Check the index. Drop or rename it, then {resume}`; or keep it, then {resume} --skip "
            f"{number}`."
        )
    else:
        hint = (
            f"Check the database. If the statement was done, {resume} --skip {number}` continues "
            f"after it; if not, {resume} --retry {number}` runs it again."
        )
    message = f"it is unknown whether this statement was done: {decision.unknown_reason}"
    return DecisionRequired(run.migration, diagnostic(run, statement, message, hint=hint))


def index_exists(
    run: NonTransactionalRun, statement: ScriptStatement, before: Mapping[str, Any]
) -> DecisionRequired:
    """Return the error of a relation that had the name of the index before the statement ran."""
    resume = f"`pgbraid resume {run.migration.version}"
    is_index = before.get("what") == "index"
    valid = is_index and before.get("valid")
    state = ", and is invalid" if is_index and not valid else ""
    if statement.if_not_exists:
        state = ", and pgbraid cannot confirm that it has the definition of the statement"
    keep = f"To keep it, {resume} --skip {statement.number}`; else drop" if valid else "Drop"
    error = diagnostic(
        run,
        statement,
        f"the {before.get('what')} {before.get('index')} exists already{state}",
        detail="It existed before this statement started, so pgbraid does not change it.",
        hint=f"{keep} or rename it, then {resume}`.",
    )
    return DecisionRequired(run.migration, replace(error, sqlstate=sqlstate.DUPLICATE_TABLE))


def index_in_use(
    run: NonTransactionalRun, statement: ScriptStatement, name: str
) -> MigrationFailed:
    """Return the error of an index on which another session works; the caller retries."""
    message = f"another session is building the index {name}, or is vacuuming its table"
    error = replace(diagnostic(run, statement, message), sqlstate=sqlstate.LOCK_NOT_AVAILABLE)
    return MigrationFailed(run.migration, error)


def invalid_index(
    run: NonTransactionalRun, statement: ScriptStatement, name: str, *, completed: bool = False
) -> MigrationFailed:
    """Return the error of an index that exists but is invalid.

    A ``completed`` statement is not run again, so its index must be rebuilt.
    """
    hint = f"Rebuild it with REINDEX INDEX CONCURRENTLY {name}, then run the same command again"
    hint += "." if completed else "; or drop it, and `pgbraid up` builds it."
    error = diagnostic(
        run,
        statement,
        f"the index {name} is invalid",
        detail="The server maintains it, but does not use it for queries.",
        hint=hint,
    )
    return MigrationFailed(run.migration, error, incomplete=True)


def unresolved_removed_statement(
    run: NonTransactionalRun, statement: ScriptStatement, reason: str, invalid: str | None = None
) -> DecisionRequired:
    """Return the error of a started statement that the file no longer has.

    ``invalid`` is the name of its index, if that is invalid.
    """
    way_out = "revert its effects by hand, unless they may stay"
    if invalid:
        way_out = f"drop the index, or rebuild it with REINDEX INDEX CONCURRENTLY {invalid}"
    version = run.migration.version
    text = " ".join(mask(statement.text, secrets_in(statement.text)).split())
    error = diagnostic(
        run,
        statement,
        f"statement {statement.number} was started, but is no longer in the file; {reason}",
        detail=f"It was: {text}",
        hint=f"Restore its old text and settings in the file. Or {way_out}; then "
        f"`pgbraid resume {version} --skip {statement.number}` continues without it.",
    )
    return DecisionRequired(run.migration, error)


def diagnostic(
    run: NonTransactionalRun,
    statement: ScriptStatement,
    message: str,
    *,
    hint: str | None = None,
    detail: str | None = None,
) -> Diagnostic:
    """Return a diagnostic of a statement, with its place in the file."""
    start = min(statement.statement.start, len(run.script.text))
    excerpt, _ = line_at(run.script.text, start)
    return Diagnostic(
        "ERROR",
        message,
        sqlstate=sqlstate.OBJECT_NOT_IN_PREREQUISITE_STATE,
        detail=detail,
        hint=hint,
        location=Location(run.migration.path, *run.script.place(start)),
        excerpt=mask(excerpt, secrets_in(run.script.text)),
    )
