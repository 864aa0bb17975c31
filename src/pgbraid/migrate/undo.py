"""``undo``: run the down file of a version and delete its row, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.lock_retry import retry_on_lock_timeout
from pgbraid.migrate.execution.transactional import RunContext, apply_in_transaction
from pgbraid.migrate.planning.ledger_problems import MISMATCHES
from pgbraid.migrate.planning.planner import progress_text
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.migrate.run_events import reported_run
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Severity
from pgbraid.model.results import Undone
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import journal, record
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.tables import ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.source.content import down_migration, read_down
from pgbraid.sql.checks.script_checks import check_script
from pgbraid.sql.session_effects import concerns_slots
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.script import Script

__all__ = ["find_undoable", "undo_version"]


def find_undoable(migrations: MigrationSet, version: int) -> tuple[Migration, Script]:
    """Return the version's down file as a migration, and its script.

    Raises ConfigError if the version has no file or no down file, and ProblemsFound if the down
    file has statements that cannot run.
    """
    source_problems = tuple(p for p in migrations.problems if version in p.versions)
    if source_problems:
        raise ProblemsFound(source_problems)
    migration = migrations.get(version)
    if migration is None:
        raise ConfigError(
            f"no migration has version {version}",
            hint="Run `pgbraid status` to see the versions.",
        )
    if migration.down is None:
        raise ConfigError(
            f"{migration.label} has no down file, so pgbraid cannot undo it",
            hint=f"Write {migration.digits}_{migration.name}.down.sql, or a new migration that "
            "reverts the change (`pgbraid new NAME`).",
        )
    _, script = read_down(migration)
    down = down_migration(migration, script)
    if down.directives.no_transaction:
        raise ConfigError(
            f"{down.path} has the directive no-transaction, but undo runs a down file in a "
            "transaction",
            hint="Run its statements with psql, or write a new migration that reverts the change "
            "(`pgbraid new NAME`).",
        )
    problems = [
        problem
        for problem in check_script(down, script)
        if problem.severity is Severity.ERROR or problem.code == "empty"
    ]
    if problems:
        raise ProblemsFound(tuple(replace(p, severity=Severity.ERROR) for p in problems))
    return down, script


def undo_version(command: Command, version: int) -> Undone:
    """Run the version's down file and delete its row, in one transaction under the lock.

    The version is pending afterwards, so the next ``up`` applies it unless its file is removed.
    Raises ConfigError if the version is not applied, ProblemsFound if its file is not the one that
    was applied, and the errors of :func:`find_undoable`.
    """
    migrations, request, options = command.migrations, command.request, command.options
    down, script = find_undoable(migrations, version)
    with connect(command.target, command.ledger, options.stop) as opened:
        _check_applied(opened, version)
        _check_same(opened, migrations, request, version)
        work = partial(_undo_under_lock, opened, command, down, script)
        return reported_run(opened, options, "undo", work)


def _undo_under_lock(opened: Session, command: Command, down: Migration, script: Script) -> Undone:
    options, version = command.options, down.version
    with monitored_session(opened, options.limits, options.on_event) as (session, monitor):
        acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        # Again under the lock: another run may have changed the ledger since.
        _check_same(session, command.migrations, command.request, version)
        run = RunContext(session, ensure_tables(session), options=options, monitor=monitor)
        duration = retry_on_lock_timeout(run, down, lambda: _undo(run, down, script))
        if duration is None:
            _check_applied(session, version)
    return Undone(down, duration or timedelta())


def _undo(run: RunContext, down: Migration, script: Script) -> timedelta | None:
    version = down.version
    entry = journal.JournalEntry(run.run_id, "undone", version, down.name, text=script.text)
    return apply_in_transaction(
        run,
        down,
        (ScriptPart(script),),
        still_needed=lambda: record.is_applied(run.session, version),
        record=lambda: record.remove_applied(run.session, version, run.with_waits(entry, version)),
        without_id=concerns_slots(script.text),
    )


def _check_same(
    session: Session, migrations: MigrationSet, request: PlanRequest, version: int
) -> None:
    """Raise ProblemsFound if the version's file is not the migration that was applied.

    Raises ProblemsFound also if applied set and journal disagree. Raises ConfigError while any
    migration is incomplete, because that migration may depend on the version to undo.
    """
    plan = read_plan(session, migrations, replace(request, to=None, not_applied=()))
    problems = tuple(p for p in plan.errors if version in p.versions or p.code in MISMATCHES)
    if problems:
        raise ProblemsFound(problems)
    if any(replaced.baseline.version == version for replaced in plan.replaced):
        raise ConfigError(
            f"{version} is a baseline, and this database has the migrations that it replaces",
            detail="The down file belongs to the baseline, which did not run here.",
            hint="Write a new migration that reverts the change (`pgbraid new NAME`).",
        )
    if plan.incomplete:
        incomplete = plan.incomplete[0]
        raise ConfigError(
            f"{incomplete.version} ({incomplete.name}) is incomplete, so nothing is undone",
            detail=f"{progress_text(incomplete)} It may depend on {version}.",
            hint=f"Resume it first with `pgbraid resume {incomplete.version}`; or clean up its "
            f"effects by hand, and discard it with `pgbraid resume {incomplete.version} --forget`.",
        )


def _check_applied(session: Session, version: int) -> None:
    if version not in {row.version for row in read_ledger(session).applied}:
        raise ConfigError(
            f"{version} is not applied, so there is nothing to undo",
            hint="Run `pgbraid status` to see the versions.",
        )
