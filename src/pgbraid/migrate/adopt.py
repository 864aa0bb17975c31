"""``adopt``: record another tool's history in the ledger, and drop that tool's table later."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.migrate.execution.transactional import RunContext, record_adoption
from pgbraid.migrate.foreign_files import named_tool
from pgbraid.migrate.planning.ledger_problems import MISMATCHES
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.migrate.planning.trackers import find_tracker, read_history
from pgbraid.migrate.run_events import reported_run
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Severity
from pgbraid.model.results import Adoption
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import foreign_tables, journal, record
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.tables import ensure_schema, ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.tools import Tool
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.model.migration import AppliedMigration, LedgerTable, MigrationSet, Problem
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import Plan
    from pgbraid.model.results import TrackerTable
    from pgbraid.postgres.client.session import Session

__all__ = ["adopt_history", "drop_tracker_table", "unadopt"]

_FATAL = frozenset({"ledger_emptied", "other_ledger"})
_USED_AFTERWARDS = (
    "Stop using the other tool. Write a file for each of its later versions, or convert its folder "
    "again; record them with `pgbraid baseline --only VERSION`, then run `pgbraid adopt "
    "--drop-tracker` again."
)


def adopt_history(
    command: Command, tool: str | None = None, *, dry_run: bool = False
) -> Adoption | None:
    """Record in the ledger which migrations another tool has applied; run nothing.

    ``tool`` selects one of several trackers. Returns None if the applied set has rows, or if an
    earlier adoption was undone. Raises ProblemsFound if the other tool's table does not show
    clearly which migrations are applied, and ConfigError if the database has no such table. A
    pending migration that could not run is a warning of the adoption.
    """
    migrations, options = command.migrations, command.options
    request = replace(command.request, adopt_from=_checked(tool))
    _require_adopt(request)
    with connect(command.target, command.ledger, options.stop) as opened:
        unlocked_plan = read_plan(opened, migrations, request, options=options)
        if unlocked_plan.applied or unlocked_plan.replaced:
            return None
        _raise_for_problems(migrations, unlocked_plan)
        if unlocked_plan.incomplete:
            raise _incomplete(unlocked_plan.incomplete[0])
        if unlocked_plan.adoption is None:
            if record.read_adoption(opened):
                return None
            raise _no_tracker(command.ledger, tool)
        if dry_run or unlocked_plan.adoption.is_empty:
            return _with_pending(unlocked_plan, unlocked_plan.errors, dry_run=dry_run)
        work = partial(_adopt_under_lock, opened, replace(command, request=request), unlocked_plan)
        return reported_run(opened, options, "adopt", work, pending=0)


def _adopt_under_lock(opened: Session, command: Command, unlocked_plan: Plan) -> Adoption | None:
    migrations, request, options = command.migrations, command.request, command.options
    with monitored_session(opened, options.limits, options.on_event) as (session, _):
        ensure_schema(session)
        acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        traits = ensure_tables(session)
        plan = read_plan(session, migrations, request, options=options, inspected=unlocked_plan)
        _raise_for_problems(migrations, plan)
        if plan.adoption:
            record_adoption(RunContext(session, traits, options=options), plan.adoption)
        return _with_pending(plan, unlocked_plan.errors)


def _with_pending(
    plan: Plan, errors: Sequence[Problem], *, dry_run: bool = False
) -> Adoption | None:
    """Return the adoption; the errors of the migrations that are still to run are warnings."""
    if plan.adoption is None:
        return None
    later = [replace(p, severity=Severity.WARNING) for p in errors]
    problems = (*plan.adoption.problems, *later)
    return replace(plan.adoption, problems=problems, dry_run=dry_run)


def _checked(tool: str | None) -> str:
    """Return a tool's name on the command line, or an empty string for any tool."""
    return "" if tool is None else named_tool(tool).names[0]


def _raise_for_problems(migrations: MigrationSet, plan: Plan) -> None:
    """Raise ProblemsFound for the errors that concern an adoption, which runs nothing."""
    codes = {problem.code for problem in migrations.problems} | MISMATCHES | _FATAL
    errors = tuple(p for p in plan.errors if p.code in codes or p.code.startswith("tracker_"))
    if errors:
        raise ProblemsFound(errors)


def _incomplete(incomplete: IncompleteMigration) -> ConfigError:
    label = f"{incomplete.version}_{incomplete.name}"
    return ConfigError(
        f"{label} is incomplete, so the history of another tool is not adopted",
        detail="The migration was started by pgbraid after that history.",
        hint="Complete it with `pgbraid up`, or discard its progress with "
        f"`pgbraid resume {incomplete.version} --forget`; then run `pgbraid adopt` again.",
    )


def _require_adopt(request: PlanRequest) -> None:
    if not request.adopt:
        raise ConfigError(
            "`adopt` is false, so other tools' tables are not read",
            hint="Remove `adopt = false` if the table records these migrations.",
        )


def _no_tracker(ledger: LedgerTable, name: str | None = None) -> ConfigError:
    tool = tools.tool_named(name) if name else None
    tables = f" ({' or '.join(tool.tables)})" if tool else ""
    schemas = " and ".join(dict.fromkeys((ledger.schema, "public")))
    owner = tool.tool if tool else "another tool"
    elsewhere = "`pgbraid adopt --from TOOL` looks in all schemas. "
    return ConfigError(
        f"no tracker of {owner} was found{tables}",
        detail=None
        if tool
        else f"Looked for the tables of {len(tools.TOOLS)} tools in the schema {schemas}, and in "
        "the schemas where they put them by default.",
        hint=f"Check the database. {'' if tool else elsewhere}If the table has another name, "
        "record the applied migrations with `pgbraid baseline VERSION`; on a new database, start "
        "with `pgbraid up`.",
    )


def unadopt(command: Command, versions: tuple[int, ...]) -> tuple[AppliedMigration, ...]:
    """Delete the rows of adopted versions that never ran, and return these rows.

    A version that is not applied is skipped. Raises ConfigError for a version that was not adopted
    according to the journal, or that has run since.
    """
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        if not _adopted_rows(opened, versions):
            return ()
        with monitored_session(opened, options.limits, options.on_event) as (session, _):
            acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
            ensure_tables(session)
            rows = _adopted_rows(session, versions)
            run_id = journal.new_run_id()
            with transaction(session):
                for row in rows:
                    entry = journal.JournalEntry(run_id, "unadopted", row.version, row.name)
                    record.remove_applied(session, row.version, entry)
            return rows


def _adopted_rows(session: Session, versions: tuple[int, ...]) -> tuple[AppliedMigration, ...]:
    rows = tuple(row for row in read_ledger(session).applied if row.version in versions)
    adopted = record.read_adopted(session, versions) if rows else frozenset()
    for row in rows:
        if row.version not in adopted:
            raise ConfigError(
                f"{row.version} was applied, not adopted, so it stays in the applied set",
                hint=f"Run its down file with `pgbraid undo {row.version}`.",
            )
    return rows


def drop_tracker_table(command: Command) -> str:
    """Drop the other tool's table if all its versions are in the applied set; return its name.

    Types of the tool beside it are dropped, too, and its own schema if nothing is left in it.
    Raises ConfigError if the database has no such table, if the table was not adopted, if that tool
    has applied a migration since, or if other objects of the tool use the table. Raises
    ProblemsFound if the table does not show clearly which migrations are applied.
    """
    options = command.options
    _require_adopt(command.request)
    with (
        connect(command.target, command.ledger, options.stop) as opened,
        monitored_session(opened, options.limits, options.on_event) as (session, _),
    ):
        acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        tracker = find_tracker(session)
        if tracker is None:
            raise _no_tracker(command.ledger)
        table, tool = tracker
        _check_covered(session, command.migrations, table, tool)
        name = f"{table.schema}.{table.table}"
        if tool.removal:
            raise ConfigError(
                f"pgbraid does not drop {name}, because other objects of {tool.tool} use it",
                hint=tool.removal,
            )
        with transaction(session):
            foreign_tables.drop_tables(session, table.schema, (table.table, *tool.beside))
            if table.schema == tool.schema:
                foreign_tables.drop_empty_schema(session, table.schema)
            entry = journal.JournalEntry(
                journal.new_run_id(), "tracker_table_dropped", detail={"table": name}
            )
            journal.append(session, entry)
        return name


def _check_covered(
    session: Session, migrations: MigrationSet, table: TrackerTable, tool: Tool
) -> None:
    """Raise ConfigError if a table was not adopted here, or records more than the applied set."""
    name = f"{table.schema}.{table.table}"
    adoption_record = record.read_adoption(session)
    if adoption_record is None or adoption_record.source != name:
        raise ConfigError(
            f"{name} was not adopted here, so it is not dropped",
            hint="Record its history with `pgbraid adopt` first; if the table belongs to another "
            "application, keep the table.",
        )
    adoption = read_history(table, tool, migrations)
    if not isinstance(adoption, Adoption):
        raise ProblemsFound(
            tuple(
                replace(p, hint=_USED_AFTERWARDS) if p.code == "tracker_version_without_file" else p
                for p in adoption
            )
        )
    applied = {row.version for row in read_ledger(session).applied}
    recorded = {m.version for m in adoption.migrations}
    if adoption.counter is not None:  # a counter stands for files that were added below it since
        recorded = {adoption.counter} - {adoption_record.counter}
    lacking = sorted(recorded - applied - {*adoption_record.not_applied})
    if lacking:
        raise ConfigError(
            f"{name} records version {lacking[0]}, which the applied set lacks: {tool.tool} "
            "was used after the adoption",
            hint=_USED_AFTERWARDS,
        )
