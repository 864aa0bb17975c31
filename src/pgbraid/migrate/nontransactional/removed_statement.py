"""Recovers a started statement that the file no longer has, because it was edited since."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.lock_retry import retry_on_lock_timeout
from pgbraid.migrate.nontransactional.statement_errors import unresolved_removed_statement
from pgbraid.migrate.nontransactional.statement_run import StatementRun
from pgbraid.postgres.transaction.invalid_index_cleanup import invalid_among
from pgbraid.sql.classify import ExecutionKind, classify_statements
from pgbraid.sql.parser import parse

if TYPE_CHECKING:
    from pgbraid.migrate.nontransactional.journaled_run import NonTransactionalRun
    from pgbraid.model.incomplete import IncompleteMigration, RecoveryDecision, StartedStatement
    from pgbraid.sql.classify import ScriptStatement

__all__ = ["recover_removed_statement"]


def recover_removed_statement(run: NonTransactionalRun, progress: IncompleteMigration) -> bool:
    """Recover one started statement that the file no longer has; return whether there was one.

    The file does not mention the statement any more, so only the user can decide whether its effect
    may stay. Raises DecisionRequired if the statement was done or its outcome is unknown, unless
    the user decided to skip it. Raises DecisionRequired also if the statement's index is invalid.
    Drops leftovers that are known to be the statement's own.
    """
    digests = {statement.digest for statement in run.statements}
    started = next((s for s in progress.started if s.digest not in digests), None)
    if started is None:
        return False
    recover = partial(run.attempt, partial(_recover, run, started))
    retry_on_lock_timeout(run.context, run.migration, recover)
    return True


def _recover(run: NonTransactionalRun, started: StartedStatement) -> None:
    statement = _statement_of(started)
    statement_run = StatementRun(run, statement)
    request = run.context.options.decision
    abandon = request is not None and (request.action, request.digest) == ("skip", started.digest)
    decision = statement_run.assess(started)
    invalid = invalid_among(run.session, (decision.index,)) if decision.index else ()
    if invalid or ((decision.unknown_reason or decision.done) and not abandon):
        raise unresolved_removed_statement(
            run, statement, _reason(decision, invalid), next(iter(invalid), None)
        )
    if not decision.done:
        statement_run.drop_leftovers(started, decision)
    run.append(run.new_entry("statement_abandoned", statement))


def _reason(decision: RecoveryDecision, invalid: tuple[str, ...]) -> str:
    if invalid:
        return f"the index {invalid[0]} is invalid: this statement or another session left it so"
    if decision.unknown_reason:
        return f"it is unknown whether it was done: {decision.unknown_reason}"
    return "it was done, or nearly done"


def _statement_of(started: StartedStatement) -> ScriptStatement:
    """Return the statement as it was started, with the number that it had then."""
    return replace(
        classify_statements(parse(started.text))[0],
        number=started.number,
        digest=started.digest,
        kind=ExecutionKind(started.kind),
        command=started.command,
        if_not_exists=False,  # it must not accept an index that existed before
    )
