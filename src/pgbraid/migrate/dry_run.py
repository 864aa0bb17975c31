"""``up --dry-run``: run all pending migrations in one transaction and roll it back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.transactional import RunContext, execute_script, notice_listener
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.migrate.run_events import reported_run
from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed, ServerError
from pgbraid.model.events import DryRunPassed, Planned, Started
from pgbraid.model.migration import Diagnostic, Location, MigrationResult
from pgbraid.model.plan import Report
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.client.server_errors import forward_notices
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import journal, record
from pgbraid.postgres.ledger.tables import ensure_schema, ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import (
    refresh_ledger_stamp,
    restore_deferrable,
    savepoint,
    transaction,
)
from pgbraid.source.content import LargeFileReader, is_large, read_script
from pgbraid.sql.script import Script
from pgbraid.sql.session_effects import concerns_slots
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import Migration
    from pgbraid.model.plan import Plan, Step
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.transaction.boundaries import OpenTransaction

__all__ = ["dry_run_pending"]

_NEW_VALUE = re.compile(r'new value "(?P<value>.*)" of enum type (?P<type>.*)')


@dataclass(frozen=True, slots=True)
class _DryRunResults:
    """The results so far."""

    passed: list[MigrationResult] = field(default_factory=list)
    failures: list[tuple[Migration, Diagnostic]] = field(default_factory=list)
    inconclusive: list[tuple[Migration, Diagnostic]] = field(default_factory=list)


def dry_run_pending(command: Command) -> Report:
    """Run the pending migrations that can be rolled back, roll them back, report every failure.

    The migrations run in one transaction under the lock, each after a savepoint of its own.
    Non-transactional migrations and those that concern replication slots do not run. They are
    reported as inconclusive, as are failures that may follow from them. Only effects that a
    rollback does not revert remain, such as the values of sequences. All locks are held until the
    end. Raises MigrationFailed only for a migration that ends the transaction; the other errors are
    those of ``apply_pending``.
    """
    migrations, request = command.migrations, command.request
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        plan = read_plan(opened, migrations, request, options=options)
        plan.raise_for_problems()
        if not plan.has_work:
            return _report(plan, _DryRunResults())
        work = partial(_dry_run_under_lock, opened, command, plan)
        return reported_run(opened, options, "dry run", work, pending=len(plan.steps))


def _dry_run_under_lock(opened: Session, command: Command, unlocked_plan: Plan) -> Report:
    migrations, request, options = command.migrations, command.request, command.options
    results = _DryRunResults()
    with monitored_session(opened, options.limits, options.on_event) as (session, monitor):
        acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        plan = read_plan(session, migrations, request, options=options, inspected=unlocked_plan)
        plan.raise_for_problems()
        options.on_event(Planned(plan))
        if options.gap_check is not None and plan.gaps:
            options.gap_check(session, migrations, plan, options)
        behind = plan.applied or plan.adoption
        if options.hazard_check is not None and plan.steps and behind:
            options.hazard_check(session, migrations, plan, options)
        with transaction(session, commit_at_end=False) as dry_run_transaction:
            ensure_schema(session)
            run = RunContext(session, ensure_tables(session), options=options, monitor=monitor)
            _try_all(run, plan.steps, dry_run_transaction, results)
    return _report(plan, results)


def _report(plan: Plan, results: _DryRunResults) -> Report:
    return Report(
        would_apply=tuple(results.passed),
        adoption=plan.adoption,
        previously_applied=len(plan.applied),
        above_target=plan.above_target,
        warnings=plan.warnings,
        dry_run=True,
        failures=tuple(results.failures),
        inconclusive=tuple(results.inconclusive),
    )


def _try_all(
    run: RunContext, steps: tuple[Step, ...], opened: OpenTransaction, results: _DryRunResults
) -> None:
    for index, step in enumerate(steps, 1):
        run.options.on_event(Started(step, index, len(steps)))
        if step.migration.directives.no_transaction:
            reason = "it runs outside a transaction, so it could not be rolled back"
            results.inconclusive.append((step.migration, _untried(step.migration, reason)))
            continue
        large = is_large(step.migration)
        script = Script("") if large else read_script(step.migration)[1]
        if concerns_slots(script.text):
            reason = "it may create or drop a replication slot, which cannot be rolled back"
            results.inconclusive.append((step.migration, _untried(step.migration, reason)))
            continue
        started_at = perf_counter()
        failure = _try_one(run, step.migration, script, opened)
        if failure is None:
            duration = timedelta(seconds=perf_counter() - started_at)
            results.passed.append(MigrationResult(step.migration, step.gap, duration))
            run.options.on_event(DryRunPassed(results.passed[-1], index, len(steps)))
        elif _may_follow_from_untried(failure, results) or _needs_a_commit(failure, script):
            results.inconclusive.append((step.migration, failure))
        else:
            results.failures.append((step.migration, failure))


def _untried(migration: Migration, reason: str) -> Diagnostic:
    return Diagnostic("WARNING", reason, location=Location(migration.path, 1, 1))


def _try_one(
    run: RunContext, migration: Migration, script: Script, opened: OpenTransaction
) -> Diagnostic | None:
    """Run and record a migration after a savepoint; return its error, or None.

    Raises MigrationFailed if it ended the transaction of the dry run, because then some of its
    effects may be committed.
    """
    entry = journal.JournalEntry(run.run_id, "applied", migration.version, migration.name)
    failure: Diagnostic | None = None
    try:
        with forward_notices(run.session, notice_listener(run, migration)), savepoint(run.session):
            parts = (
                LargeFileReader(migration).executable_parts()
                if is_large(migration)
                else (ScriptPart(script),)
            )
            execute_script(run, migration, parts, refresh_ledger_stamp(run.session, opened))
            record.record_applied(
                run.session, migration, traits=run.ledger_traits, name=migration.name, entry=entry
            )
            reset_session(run.session)
    except MigrationFailed as error:
        if error.incomplete:
            raise
        failure = _with_blockers(run, error.diagnostic)
    except ServerError as error:
        diagnostic = error.diagnostic or Diagnostic(
            "ERROR", error.message, detail=error.detail, hint=error.hint
        )
        failure = replace(diagnostic, location=Location(migration.path))
    # SET CONSTRAINTS of this migration would otherwise hold for the next one.
    restore_deferrable(run.session)
    return failure


def _with_blockers(run: RunContext, diagnostic: Diagnostic) -> Diagnostic:
    """Add the blocking sessions to the detail of a lock timeout."""
    blockers = run.monitor.blockers if run.monitor else ()
    if diagnostic.sqlstate != sqlstate.LOCK_NOT_AVAILABLE or not blockers:
        return diagnostic
    blocked = f"Blocked by {'; '.join(blockers)}."
    detail = "\n".join(part for part in (diagnostic.detail, blocked) if part)
    return replace(diagnostic, detail=detail)


def _may_follow_from_untried(failure: Diagnostic, results: _DryRunResults) -> bool:
    """Whether a migration may have failed because an earlier one could not be tried.

    A syntax error never follows from an earlier migration: the server parses a statement before
    it looks up names.
    """
    return bool(results.inconclusive) and failure.sqlstate != sqlstate.SYNTAX_ERROR


def _needs_a_commit(failure: Diagnostic, script: Script) -> bool:
    """Whether a migration failed because an earlier one of the dry run is not committed.

    PostgreSQL rejects a new enum value until its ALTER TYPE is committed (55P04). If the script
    itself adds the value, it fails in a real run too.
    """
    match = _NEW_VALUE.search(failure.message)
    if failure.sqlstate != sqlstate.UNSAFE_NEW_ENUM_VALUE_USAGE or match is None:
        return False
    value, kind = match["value"], match["type"].rpartition(".")[2].strip('"')
    adds = (
        script.text[s.start : s.end]
        for s in script.statements
        if s.words[:2] == ("ALTER", "TYPE") and {"ADD", "VALUE"} <= set(s.words)
    )
    return not any(f"'{value}'" in text and kind.lower() in text.lower() for text in adds)
