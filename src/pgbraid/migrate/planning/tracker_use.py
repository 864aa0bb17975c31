"""Finds migrations that another tool has applied after its history was adopted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.importers.mapping import recorded_history, recorded_versions
from pgbraid.migrate.planning.trackers import map_request
from pgbraid.model.migration import Problem
from pgbraid.postgres.ledger import foreign_tables
from pgbraid.postgres.ledger.record import read_adoption, read_decided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.importers.tools import Tool
    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import Plan
    from pgbraid.model.results import TrackerTable
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.record import AdoptionRecord

__all__ = ["used_since_adoption"]


def used_since_adoption(
    session: Session, migrations: MigrationSet, plan: Plan, request: PlanRequest
) -> Iterator[Problem]:
    """Yield a problem if the adopted tool has applied or begun a pending migration since.

    Versions that the journal records as applied, adopted or taken back do not count: there the
    user has decided. A table that is gone, or that this role may not read, is no problem.
    """
    if not (plan.steps and request.adopt):
        return
    # A role that may not read the journal may still check.
    adoption_record = read_adoption(session, optional=True)
    tracker = _tracker(session, adoption_record) if adoption_record else None
    if adoption_record is None or tracker is None:
        return
    table, tool = tracker
    pending = {step.migration.version for step in plan.steps if not step.incomplete}
    pending -= {*adoption_record.not_applied}
    history = recorded_history(tool, table)
    if isinstance(history, tuple):
        begun = (p for p in history if p.code == "tracker_dirty" and pending & {*p.versions})
        yield from map(_begun, begun)
        return
    recorded = recorded_versions(tool, history, map_request(tool, migrations)) & pending
    if history.through is not None and adoption_record.counter is not None:
        # A counter also stands for files that were added below it since.
        recorded = frozenset(v for v in recorded if v > adoption_record.counter)
    new = sorted(recorded - read_decided(session, recorded)) if recorded else []
    if new:
        yield _used(table, new)


def _tracker(session: Session, adoption_record: AdoptionRecord) -> tuple[TrackerTable, Tool] | None:
    """Return the adopted table with its rows, and its tool; None if it cannot be read."""
    source = adoption_record.source or ""
    tables = foreign_tables.read_tracker_tables(session, [source.partition(".")[2]])
    table = next((table for table in tables if table.name == source), None)
    tool = tools.find_tool(table) if table else None
    if table is None or tool is None or not foreign_tables.is_readable(session, table):
        return None
    return foreign_tables.read_tracker_rows(session, table, tool.reads), tool


def _used(table: TrackerTable, new: list[int]) -> Problem:
    versions = " --only ".join(map(str, new))
    return Problem(
        "tracker_used_since",
        f"{table.name} records {', '.join(map(str, new))} as applied, and the applied set does not",
        detail="The other tool was used after its history was adopted; the migrations would run a "
        "second time.",
        hint="Stop using the other tool, and record them with "
        f"`pgbraid baseline --only {versions}`. If the table is not right, drop it, or run the "
        "command with `adopt = false`.",
        versions=tuple(new),
    )


def _begun(problem: Problem) -> Problem:
    """Return the problem of a migration that the tool did not complete, after the adoption."""
    version = problem.versions[0]
    return replace(
        problem,
        hint=f"Finish it by hand and record it with `pgbraid baseline --only {version}`, or undo "
        "it by hand. Correct or drop the table, then run `pgbraid up` again.",
    )
