"""Finds other tools' trackers while the applied set is empty, so that no migration runs twice.

The history of a tracker that pgbraid can adopt becomes part of the plan. Any other tracker that may
record these migrations is a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.importers.tool import version_of
from pgbraid.migrate.planning.ledger_problems import is_emptied
from pgbraid.model.migration import Problem, Severity
from pgbraid.model.results import Adoption
from pgbraid.postgres.ledger import foreign_tables
from pgbraid.postgres.ledger.agreement import has_history
from pgbraid.postgres.ledger.record import read_adoption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.importers.tools import Tool
    from pgbraid.model.migration import LedgerTable, MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import LedgerState
    from pgbraid.model.results import TrackerTable
    from pgbraid.postgres.client.session import Session

__all__ = ["find_tracker", "plan_adoption"]

_UNREADABLE = "which this role may not read"


def find_tracker(session: Session) -> tuple[TrackerTable, Tool] | None:
    """Return the table of a tool that can be adopted, with its rows, and the tool, or None."""
    tables = foreign_tables.read_tracker_tables(session, tools.TABLES)
    adoptable = _adoptable(session, tables)
    return _with_rows(session, adoptable) if adoptable else None


def plan_adoption(
    session: Session, migrations: MigrationSet, state: LedgerState, request: PlanRequest
) -> tuple[Adoption | None, tuple[Problem, ...]]:
    """Return the adoption of another tool's history, or the problems of trackers, or neither.

    Looks only if the applied set is empty. Nothing is adopted if the ledger was emptied, because
    the other tool's history is older than it; nor if adopted versions were removed since with
    ``undo`` or ``adopt --not-applied``: they must run again.
    """
    if state.applied:
        return None, ()
    tables = foreign_tables.read_tracker_tables(session, tools.TABLES)
    if not tables or is_emptied(session, state):
        return None, ()
    problems = tuple(_problems(session, tables, migrations, state, request))
    adoptable = _adoptable(session, tables) if request.adopt else []
    if not adoptable or any(problem.code == "tracker_found" for problem in problems):
        return None, problems
    adoption_record = read_adoption(session)
    if adoption_record is not None and adoption_record.undone_since:
        return None, problems
    read = [
        (foreign_tables.read_tracker_rows(session, t, tool.reads), tool) for t, tool in adoptable
    ]
    table, tool = next((pair for pair in read if pair[0].rows), read[0])
    assert tool.adopt is not None  # noqa: S101 - as _adoptable promises
    result = tool.adopt(table, migrations, request.not_applied)
    return (result, problems) if isinstance(result, Adoption) else (None, (*result, *problems))


def _adoptable(session: Session, tables: Sequence[TrackerTable]) -> list[tuple[TrackerTable, Tool]]:
    pairs = ((table, tools.find_tool(table)) for table in tables)
    return [
        (table, tool)
        for table, tool in pairs
        if tool and tool.adopt and _is_near(table, tool, session.ledger)
    ]


def _with_rows(
    session: Session, trackers: Sequence[tuple[TrackerTable, Tool]]
) -> tuple[TrackerTable, Tool]:
    """Return the first tracker that has rows, else the first one, with its rows."""
    read = [
        (foreign_tables.read_tracker_rows(session, table, tool.reads), tool)
        for table, tool in trackers
    ]
    return next((pair for pair in read if pair[0].rows), read[0])


def _is_near(table: TrackerTable, tool: Tool | None, ledger: LedgerTable) -> bool:
    """Whether the tool would put its tracker for these migrations into the table's schema."""
    default = tool.schema if tool else None
    return table.schema in {ledger.schema, "public", default}


def _problems(
    session: Session,
    tables: Sequence[TrackerTable],
    migrations: MigrationSet,
    state: LedgerState,
    request: PlanRequest,
) -> Iterator[Problem]:
    """Yield a problem for each tracker with rows that may record these migrations.

    There is none if the journal has a version: then the user has decided about trackers before.
    With ``adopt = false`` the problem is a warning.
    """
    problems: list[Problem] = []
    for table in tables:
        tool = tools.find_tool(table)
        near = _is_near(table, tool, session.ledger)
        problem: Problem | None = None
        if tool is None:
            if near and table.table in tools.DISTINCTIVE:
                problem = _unknown(session, table)
        elif near or request.one_ledger:
            problem = _known(session, table, tool, migrations, near=near)
        adoptable = tool is not None and tool.adopt and near and request.adopt
        if problem is not None and not (adoptable and _UNREADABLE not in problem.message):
            problems.append(problem)
    if problems and not (state.journal and has_history(session)):
        yield from problems if request.adopt else map(_ignored, problems)


def _known(
    session: Session, table: TrackerTable, tool: Tool, migrations: MigrationSet, *, near: bool
) -> Problem | None:
    """Return the problem of a recognised tracker, or None if it records other migrations.

    In a schema where the tool would not put its tracker for these migrations, it counts only if
    each version that it records has a file here.
    """
    source = f"{table.schema}.{table.table}"
    contents = foreign_tables.read_keys(session, table, tool.key)
    if contents is None:
        rows = _UNREADABLE if near else None
    else:
        count, keys = contents
        versions = {version_of(key) for key in keys}
        if tool.has_initial_row and migrations.get(0) is None and 0 in versions:
            versions.remove(0)
            count -= 1
        ours = bool(versions) and all(v is not None and migrations.get(v) for v in versions)
        rows = f"which has {_rows(count)}" if count > 0 and (near or ours) else None
    if rows is None:
        return None
    return Problem(
        "tracker_found",
        f"{source} is the tracker of {tool.tool}, {rows}, and no migration is recorded here",
        detail=f"Migrations that {tool.tool} has applied would run a second time, and pgbraid "
        "cannot adopt them from this table.",
        hint="Record the applied migrations with `pgbraid baseline VERSION`, or single ones with "
        "`pgbraid baseline --only VERSION`. If the table has nothing to do with these migrations, "
        "run the command with `adopt = false`.",
    )


def _unknown(session: Session, table: TrackerTable) -> Problem | None:
    """Return the problem of a table that has a tracker's name, rows, and unknown columns."""
    if not foreign_tables.has_rows(session, table):
        return None
    columns = ", ".join(name for name, _ in table.columns)
    return Problem(
        "tracker_unknown",
        f"{table.schema}.{table.table} may be another tool's record of these migrations",
        detail=f"It has the columns {columns}, which pgbraid cannot interpret.",
        hint="If migrations are applied, record them with `pgbraid baseline VERSION`; if "
        "the table has nothing to do with them, run the command with `adopt = false`.",
    )


def _ignored(problem: Problem) -> Problem:
    message = f"{problem.message}; it is ignored, because `adopt` is false"
    return Problem("tracker_ignored", message, severity=Severity.WARNING)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
