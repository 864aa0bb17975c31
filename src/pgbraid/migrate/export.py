"""``export``: record the applied migrations in another tool's table, to go back to that tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.importers.formats.tool import ExportedMigration
from pgbraid.importers.mapping import recorded_history
from pgbraid.migrate.foreign_files import named_tool
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Problem
from pgbraid.model.results import Exported, TrackerTable
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import foreign_tables, journal
from pgbraid.postgres.ledger.tables import ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction
from pgbraid.source.content import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.importers.formats.tool import Export, History, Tool
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.plan import Plan
    from pgbraid.postgres.client.session import Session

__all__ = ["export_history"]

_LONGEST = 100
"""A longer number is no version of pgbraid."""


def export_history(command: Command, tool_name: str, *, dry_run: bool = False) -> Exported:
    """Record the applied migrations in another tool's table; run nothing.

    The table is created if it is missing. Rows that it has already are kept, if the applied set has
    these versions. Raises ProblemsFound if the state cannot be expressed there: a counter has no
    gaps, and a checksum needs the file. Raises ConfigError for a tool that pgbraid cannot export
    to. Then nothing is written.
    """
    migrations, request, options = command.migrations, command.request, command.options
    tool = named_tool(tool_name)
    if tool.export is None:
        names = ", ".join(sorted(t.names[0] for t in tools.TOOLS if t.export))
        raise ConfigError(
            f"pgbraid cannot write the table of {tool.tool}", hint=f"It can write those of {names}."
        )
    with (
        connect(command.target, command.ledger, options.stop) as opened,
        monitored_session(opened, options.limits, options.on_event) as (session, _),
    ):
        acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        plan = read_plan(session, migrations, request, options=options)
        plan.raise_for_problems()
        existing = _existing(session, tool)
        table = existing or TrackerTable(
            tool.schema or session.ledger.schema, tool.tables[0], (), ()
        )
        problems = tuple(_problems(tool, table, plan, migrations))
        if problems:
            raise ProblemsFound(problems)
        added, export = _export(tool, table, plan, migrations)
        if export is not None and not dry_run:
            _write(session, tool, table, export, exists=existing is not None)
        versions = tuple(migration.version for migration in added)
        note = export.note if export else None
        return Exported(tool.tool, table.name, versions, note, dry_run=dry_run)


def _existing(session: Session, tool: Tool) -> TrackerTable | None:
    """Return the tool's table with its rows. Raises ConfigError for a table of another kind."""
    places = {session.ledger.schema, tool.schema}
    for table in foreign_tables.read_tracker_tables(session, tool.tables):
        if table.schema not in places:
            continue
        if tools.find_tool(table) is tool:
            return foreign_tables.read_tracker_rows(session, table, tool.reads)
        if table.table == tool.tables[0]:
            raise ConfigError(
                f"{table.name} exists and is not the table of {tool.tool}",
                hint="Rename or drop it, or name another schema with `schema`.",
            )
    return None


def _problems(
    tool: Tool, table: TrackerTable, plan: Plan, migrations: MigrationSet
) -> Iterator[Problem]:
    """Yield the reasons why the tool's table cannot express the applied set."""
    history = recorded_history(tool, table) if table.rows else None
    if isinstance(history, tuple):
        yield from history
        return
    applied = {row.version for row in plan.applied}
    if not applied:
        yield _not_expressible(tool, "no migration is applied", "Run `pgbraid up` first.")
    for incomplete in plan.incomplete:
        yield _not_expressible(
            tool,
            f"{incomplete.version} is incomplete",
            "Complete it with `pgbraid up`, then run the command again.",
        )
    known = applied | {row.version for replaced in plan.replaced for row in replaced.rows}
    foreign = sorted(_versions(history) - known) if history else []
    if foreign:
        yield _not_expressible(
            tool,
            f"{table.name} records version {foreign[0]}, which the applied set lacks",
            f"Record it with `pgbraid baseline --only {foreign[0]}` if it is applied.",
        )
    missing = sorted(v for v in applied if migrations.get(v) is None)
    if missing:
        yield _not_expressible(
            tool,
            f"the applied version {missing[0]} has no file",
            "Restore the file: the tool would stop at a version without one.",
        )
    if tool.automatic and plan.gaps:  # golang-migrate's counter
        yield _gaps(tool, [step.migration.version for step in plan.gaps])
    if tool.has_initial_row and 0 in applied:
        yield _not_expressible(
            tool, "version 0 stands for no migration there", "Give the file another version."
        )


def _gaps(tool: Tool, gaps: Sequence[int]) -> Problem:
    listed = ", ".join(map(str, gaps))
    return _not_expressible(
        tool,
        f"it keeps only the highest version, and {listed} below it "
        f"{'is' if len(gaps) == 1 else 'are'} not applied",
        "Apply them with `pgbraid up`, then run the command again.",
    )


def _versions(history: History) -> set[int]:
    keys = [recorded.key for recorded in history.applied]
    if history.through is not None:
        keys.append(history.through)
    return {int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < _LONGEST}


def _not_expressible(tool: Tool, reason: str, hint: str) -> Problem:
    return Problem(
        "not_expressible",
        f"the table of {tool.tool} cannot express the applied set: {reason}",
        hint=hint,
    )


def _export(
    tool: Tool, table: TrackerTable, plan: Plan, migrations: MigrationSet
) -> tuple[list[ExportedMigration], Export | None]:
    """Return the migrations that the tool's table lacks, and the rows for them."""
    assert tool.export is not None  # noqa: S101 - as the caller has checked
    history = recorded_history(tool, table) if table.rows else None
    present = _versions(history) if history and not isinstance(history, tuple) else set()
    if history and not isinstance(history, tuple) and history.through is not None:
        present |= {row.version for row in plan.applied if row.version <= int(history.through)}
    added = []
    for row in plan.applied:
        file = migrations.get(row.version)
        if file is not None and row.version not in present:
            data = read_bytes(file)
            added.append(
                ExportedMigration(file.version, file.digits, file.name, data, row.applied_at)
            )
    ranks = [row.get("installed_rank", 0) for row in table.records()]  # Flyway leaves holes
    last = max([len(table.rows), *ranks])
    return added, tool.export(added, last) if added else None


def _write(
    session: Session, tool: Tool, table: TrackerTable, export: Export, *, exists: bool
) -> None:
    ensure_tables(session)
    with transaction(session):
        if not exists:
            foreign_tables.create_table(session, table, export.create)
        rows, replace = export.rows, export.replace
        foreign_tables.write_rows(session, table, export.columns, rows, replace=replace)
        detail = {"to": tool.names[0], "table": table.name}
        entry = journal.JournalEntry(journal.new_run_id(), "exported", detail=detail)
        journal.append(session, entry)
