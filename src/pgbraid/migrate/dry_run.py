"""``up --dry-run``: run everything pending in one transaction and roll it back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.transactional import RunContext, execute_script, notice_listener
from pgbraid.migrate.planning.preflight import read_plan
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
from pgbraid.sql.replication_slots import concerns_slots
from pgbraid.sql.script import Script
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import Migration
    from pgbraid.model.plan import Plan, Step
    from pgbraid.postgres.transaction.boundaries import OpenTransaction

__all__ = ["dry_run_pending"]

_NEW_VALUE = re.compile(r'new value "(?P<value>.*)" of enum type (?P<type>.*)')


@dataclass(frozen=True, slots=True)
class _DryRunResults:
    """Filled while the rehearsal goes on."""

    outcomes: list[MigrationResult] = field(default_factory=list)
    failures: list[tuple[Migration, Diagnostic]] = field(default_factory=list)
    inconclusive: list[tuple[Migration, Diagnostic]] = field(default_factory=list)


def dry_run_pending(command: Command) -> Report:
    """Run every pending migration and keep nothing of it, reporting every failure.

    All run in one transaction under the lock, each below its own savepoint, and the
    transaction is rolled back: only what no transaction can take back stays, such as a
    sequence's value. The locks of all of them are held together until the end. Raises what
    ``apply_pending`` raises, but MigrationFailed only for one that ends the transaction.
    """
    migrations, request = command.migrations, command.request
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        found = read_plan(opened, migrations, request, options=options)
        found.raise_for_problems()
        notes = _DryRunResults()
        if found.has_work:
            with monitored_session(opened, options.limits, options.on_event) as (session, monitor):
                acquire_session_lock(
                    session,
                    wait=options.lock_wait,
                    on_waiting=options.report_waiting,
                )
                found = read_plan(session, migrations, request, options=options, inspected=found)
                found.raise_for_problems()
                options.on_event(Planned(found))
                if options.gap_check is not None and found.gaps:
                    options.gap_check(session, migrations, found, options)
                with transaction(session, commit_at_end=False) as whole:
                    ensure_schema(session)
                    run = RunContext(
                        session, ensure_tables(session), options=options, monitor=monitor
                    )
                    _try_all(run, found.steps, whole, notes)
        return _report(found, notes)


def _report(found: Plan, notes: _DryRunResults) -> Report:
    return Report(
        would_apply=tuple(notes.outcomes),
        adoption=found.adoption,
        previously_applied=len(found.applied),
        above_target=found.above_target,
        warnings=found.warnings,
        dry_run=True,
        failures=tuple(notes.failures),
        inconclusive=tuple(notes.inconclusive),
    )


def _try_all(
    run: RunContext, steps: tuple[Step, ...], opened: OpenTransaction, notes: _DryRunResults
) -> None:
    for index, step in enumerate(steps, 1):
        run.options.on_event(Started(step, index, len(steps)))
        if step.migration.directives.no_transaction:
            said = "it runs outside a transaction, so nothing could take it back"
            notes.inconclusive.append((step.migration, _untried(step.migration, said)))
            continue
        large = is_large(step.migration)
        script = Script("") if large else read_script(step.migration)[1]
        if concerns_slots(script.text):
            said = "it may make or drop a replication slot, which no rollback takes back"
            notes.inconclusive.append((step.migration, _untried(step.migration, said)))
            continue
        begun = perf_counter()
        failure = _try_one(run, step.migration, script, opened)
        if failure is None:
            taken = timedelta(seconds=perf_counter() - begun)
            notes.outcomes.append(MigrationResult(step.migration, step.gap, taken))
            run.options.on_event(DryRunPassed(notes.outcomes[-1], index, len(steps)))
        elif _may_follow_from_untried(failure, notes) or _needs_a_commit(failure, script):
            notes.inconclusive.append((step.migration, failure))
        else:
            notes.failures.append((step.migration, failure))


def _untried(migration: Migration, why: str) -> Diagnostic:
    return Diagnostic("WARNING", why, location=Location(migration.path, 1, 1))


def _try_one(
    run: RunContext, migration: Migration, script: Script, opened: OpenTransaction
) -> Diagnostic | None:
    """Run and record a migration below a savepoint; return what speaks against it.

    Raises MigrationFailed where it ended the rehearsal's transaction, as then something may
    have been kept.
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
        said = error.diagnostic or Diagnostic(
            "ERROR", error.message, detail=error.detail, hint=error.hint
        )
        failure = replace(said, location=Location(migration.path))
    restore_deferrable(run.session)
    return failure


def _with_blockers(run: RunContext, said: Diagnostic) -> Diagnostic:
    """Add who was in the way of a lock that was not to be had in time."""
    holders = run.monitor.blockers if run.monitor else ()
    if said.sqlstate != sqlstate.LOCK_NOT_AVAILABLE or not holders:
        return said
    blocked = f"In its way: {'; '.join(holders)}."
    return replace(said, detail="\n".join(part for part in (said.detail, blocked) if part))


def _may_follow_from_untried(failure: Diagnostic, notes: _DryRunResults) -> bool:
    """Whether a failure may be for want of one before that could not be tried.

    A syntax error never is: the server finds it before it looks at anything that exists.
    """
    return bool(notes.inconclusive) and failure.sqlstate != sqlstate.SYNTAX_ERROR


def _needs_a_commit(failure: Diagnostic, script: Script) -> bool:
    """Whether a failure is for want of a commit that an earlier migration would have made.

    A new enum value cannot be used before it is committed; where the script adds that value
    itself, it would fail for real too.
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
