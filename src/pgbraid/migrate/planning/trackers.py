"""Finds other tools' trackers while the applied set is empty, so that no migration runs twice.

The history of golang-migrate becomes part of the plan. Any other tracker that may record these
migrations is a problem, until the user adopts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.importers.formats.tool import ForeignFile, version_of
from pgbraid.importers.origin import parse_origin
from pgbraid.migrate.planning.ledger_problems import is_emptied
from pgbraid.model.migration import Problem, Severity
from pgbraid.model.results import Adoption
from pgbraid.postgres.ledger import foreign_tables
from pgbraid.postgres.ledger.agreement import has_history
from pgbraid.postgres.ledger.record import read_adoption
from pgbraid.source.content import read_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pgbraid.importers.entries import MapRequest
    from pgbraid.importers.origin import Origin
    from pgbraid.importers.tools import Tool
    from pgbraid.model.migration import LedgerTable, MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import LedgerState
    from pgbraid.model.results import TrackerTable
    from pgbraid.postgres.client.session import Session

__all__ = ["find_tracker", "map_request", "plan_adoption", "read_history"]

_UNREADABLE = "which this role may not read"


def find_tracker(session: Session, *, automatic: bool = False) -> tuple[TrackerTable, Tool] | None:
    """Return the adopted table, else the first tracker with rows, and its tool, or None.

    With ``automatic``, a table that was not adopted counts only if ``up`` would adopt it.
    """
    tables = foreign_tables.read_tracker_tables(session, tools.TABLES)
    adoption = read_adoption(session)
    if adoption is not None and adoption.source:
        tables = tuple(table for table in tables if table.name == adoption.source)
        pairs = [(table, tool) for table in tables if (tool := tools.find_tool(table))]
    else:
        near = _near(session, tables)
        pairs = [(table, tool) for table, tool in near if tool.automatic or not automatic]
    return _with_rows(session, pairs) if pairs else None


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
    if request.adopt and request.adopt_from is not None:
        return _requested(session, tables, migrations, request)
    problems = tuple(_problems(session, tables, migrations, state, request))
    near = _near(session, tables) if request.adopt else []
    automatic = [(table, tool) for table, tool in near if _is_automatic(tool, migrations)]
    if not automatic or any(problem.code == "tracker_found" for problem in problems):
        return None, problems
    adoption_record = read_adoption(session)
    if adoption_record is not None and adoption_record.undone_since:
        return None, problems
    table, tool = _with_rows(session, automatic)
    result = read_history(table, tool, migrations, request.not_applied)
    return (result, problems) if isinstance(result, Adoption) else (None, (*result, *problems))


def read_history(
    table: TrackerTable, tool: Tool, migrations: MigrationSet, not_applied: Collection[int] = ()
) -> Adoption | tuple[Problem, ...]:
    """Return the migrations that a tracker records as applied, or the problems that prevent it."""
    from pgbraid.importers.mapping import map_history  # noqa: PLC0415 - few runs adopt

    request = map_request(tool, migrations, not_applied)
    if request.origin is not None and request.origin.tool not in tool.names:
        return (_other_origin(table, tool, request.origin.tool),)
    return map_history(tool, table, request)


def map_request(
    tool: Tool, migrations: MigrationSet, not_applied: Collection[int] = ()
) -> MapRequest:
    """Return the migrations as a tracker is mapped to them, with the files that must be read.

    Raises ProblemsFound if the file with the origin of converted migrations is not right.
    """
    from pgbraid.importers.entries import MapRequest  # noqa: PLC0415 - few runs adopt

    origin = _origin(migrations)
    sources = (
        ()
        if origin is not None or tool.by_version
        else [ForeignFile(m.file, read_bytes(m)) for m in migrations.migrations]
    )
    return MapRequest(migrations, origin, sources, not_applied)


def _origin(migrations: MigrationSet) -> Origin | None:
    """Return the origin of converted migrations. Raises ProblemsFound if the file is not right."""
    if migrations.origin_file is None:
        return None
    path, file = migrations.origin_file
    return parse_origin(file.read_bytes(), path)


def _is_automatic(tool: Tool, migrations: MigrationSet) -> bool:
    """Whether ``up`` adopts the tool's history: not if the files come from another tool."""
    origin = _origin(migrations) if tool.automatic else None
    return tool.automatic and (origin is None or origin.tool in tool.names)


def _other_origin(table: TrackerTable, tool: Tool, origin: str) -> Problem:
    return Problem(
        "tracker_ambiguous",
        f"{table.name} is the tracker of {tool.tool}, and these migrations were converted from "
        f"{origin}",
        detail="Their versions are not those of the tracker.",
        hint=f"Name the folder with the files of {tool.tool} with `dir`. If the tracker of "
        f"{origin} is in another schema, run `pgbraid adopt --from {origin}`.",
    )


def _requested(
    session: Session,
    tables: Sequence[TrackerTable],
    migrations: MigrationSet,
    request: PlanRequest,
) -> tuple[Adoption | None, tuple[Problem, ...]]:
    """Return the adoption that the user requests.

    It is that of a named tool, of the tool whose files were converted, or of the only tracker.
    """
    adoption_record = read_adoption(session)
    if adoption_record is not None and adoption_record.undone_since:
        return None, ()
    if request.adopt_from:
        known = [(table, tool) for table in tables if (tool := tools.find_tool(table))]
        pairs = [(table, tool) for table, tool in known if request.adopt_from in tool.names]
        nearest = [pair for pair in pairs if _is_near(*pair, session.ledger)]
        pairs = nearest or pairs
    else:
        near, origin = _near(session, tables), _origin(migrations)
        pairs = [pair for pair in near if origin and origin.tool in pair[1].names] or near
        pairs += _elsewhere(session, tables, migrations, request) if pairs else []
    secret = [pair for pair in pairs if not foreign_tables.is_readable(session, pair[0])]
    if secret:
        return None, tuple(_found(table, tool, _UNREADABLE) for table, tool in secret)
    read = [
        (foreign_tables.read_tracker_rows(session, table, tool.reads), tool)
        for table, tool in pairs
    ]
    filled = [(table, tool) for table, tool in read if table.rows]
    automatic = all(tool.automatic for _, tool in filled)
    if len(filled) > 1 and not automatic:
        return None, (_several(filled),)
    if not read:
        unknown = [
            _unknown(session, table)
            for table in tables
            if not request.adopt_from and tools.find_tool(table) is None
            if _is_near(table, None, session.ledger) and table.table in tools.DISTINCTIVE
        ]
        return None, tuple(problem for problem in unknown if problem)
    table, tool = (filled or read)[0]
    if tool.lock and foreign_tables.is_locked(session, table.schema, *tool.lock):
        return None, (_locked(table, tool, tool.lock[0]),)
    result = read_history(table, tool, migrations, request.not_applied)
    return (result, ()) if isinstance(result, Adoption) else (None, result)


def _elsewhere(
    session: Session,
    tables: Sequence[TrackerTable],
    migrations: MigrationSet,
    request: PlanRequest,
) -> list[tuple[TrackerTable, Tool]]:
    """Return the trackers in other schemas that record these migrations, too."""
    known = [(table, tool) for table in tables if (tool := tools.find_tool(table))]
    return [
        (table, tool)
        for table, tool in known
        if request.one_ledger and not _is_near(table, tool, session.ledger)
        if _known(session, table, tool, migrations, near=False)
    ]


def _locked(table: TrackerTable, tool: Tool, lock_table: str) -> Problem:
    return Problem(
        "tracker_locked",
        f"{table.schema}.{lock_table} is locked: {tool.tool} is running, or was killed",
        hint=f"Wait until it has ended. If no run is left, clear its lock with {tool.tool}'s own "
        "command; then run `pgbraid adopt`.",
    )


def _several(trackers: Sequence[tuple[TrackerTable, Tool]]) -> Problem:
    listed = " and ".join(f"{table.name} ({tool.tool})" for table, tool in trackers)
    commands = " or ".join(f"`pgbraid adopt --from {tool.names[0]}`" for _, tool in trackers)
    hint = f"Name the tool that has applied these migrations: {commands}."
    if len({tool.tool for _, tool in trackers}) == 1:
        hint = (
            "Rename the tables that have nothing to do with these migrations, then run "
            "`pgbraid adopt` again; or record the applied ones with `pgbraid baseline VERSION`."
        )
    return Problem(
        "tracker_ambiguous", f"the database has {len(trackers)} trackers: {listed}", hint=hint
    )


def _near(session: Session, tables: Sequence[TrackerTable]) -> list[tuple[TrackerTable, Tool]]:
    """Return the known trackers in a schema where their tool would put them."""
    pairs = ((table, tools.find_tool(table)) for table in tables)
    return [
        (table, tool) for table, tool in pairs if tool and _is_near(table, tool, session.ledger)
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
        adoptable = tool and _is_automatic(tool, migrations) and near and request.adopt
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
    contents = foreign_tables.read_keys(session, table, tool.key)
    if contents is None:
        rows = _UNREADABLE if near else None
    else:
        count, keys = contents
        versions = {version_of(key) for key in keys}
        if tool.has_initial_row and migrations.get(0) is None and 0 in versions:
            versions.remove(0)
            count -= 1
        ours = bool(versions) and versions <= _known_versions(migrations)
        rows = f"which has {_rows(count)}" if count > 0 and (near or ours) else None
    if rows is None:
        return None
    return _found(table, tool, rows)


def _found(table: TrackerTable, tool: Tool, rows: str) -> Problem:
    adopt = f"ecord them as applied with `pgbraid adopt --from {tool.names[0]}`; nothing runs. "
    unreadable = "Let this role read the table with `GRANT SELECT`, then r"
    return Problem(
        "tracker_found",
        f"{table.name} is the tracker of {tool.tool}, {rows}, and no migration is recorded here",
        detail=f"Migrations that {tool.tool} has applied would run a second time.",
        hint=f"{unreadable if rows == _UNREADABLE else 'R'}{adopt}If the table has nothing to do "
        "with these migrations, run the command with `adopt = false`.",
    )


def _known_versions(migrations: MigrationSet) -> frozenset[int | None]:
    """Return the versions that have a file, or that a baseline replaces."""
    files = migrations.migrations
    return frozenset(v for m in files for v in (m.version, *m.directives.replaces))


def _unknown(session: Session, table: TrackerTable) -> Problem | None:
    """Return the problem of a table that has a tracker's name, rows, and unknown columns."""
    if not foreign_tables.has_rows(session, table):
        return None
    columns = ", ".join(name for name, _ in table.columns)
    what = f"It has the columns {columns}, which pgbraid cannot interpret."
    return Problem(
        "tracker_unknown",
        f"{table.schema}.{table.table} may be another tool's record of these migrations",
        detail=what if columns else "It is a view or a foreign table, which pgbraid does not read.",
        hint="If migrations are applied, record them with `pgbraid baseline VERSION`; if "
        "the table has nothing to do with them, run the command with `adopt = false`.",
    )


def _ignored(problem: Problem) -> Problem:
    message = f"{problem.message}; it is ignored, because `adopt` is false"
    return Problem("tracker_ignored", message, severity=Severity.WARNING)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
