"""Finds migrations that another tool has applied after its history was adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.migrate.planning.trackers import read_history
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Problem
from pgbraid.model.results import Adoption
from pgbraid.postgres.ledger import foreign_tables
from pgbraid.postgres.ledger.record import read_adoption, read_journaled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import Plan
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.record import AdoptionRecord

__all__ = ["used_since_adoption"]


def used_since_adoption(
    session: Session, migrations: MigrationSet, plan: Plan, request: PlanRequest
) -> Iterator[Problem]:
    """Yield a problem if the adopted tool's table records a pending migration.

    Versions that the journal has a line of do not count: pgbraid knew them at the adoption, and a
    later ``undo`` or ``adopt --not-applied`` was the user's decision.
    """
    if not (plan.steps and request.adopt):
        return
    # A role that may not read the journal may still check.
    adoption_record = read_adoption(session, optional=True)
    if adoption_record is None:
        return
    recorded = _recorded(session, migrations, adoption_record)
    pending = {step.migration.version for step in plan.steps if not step.incomplete}
    new = (recorded & pending) - {*adoption_record.not_applied}
    new -= read_journaled(session, new) if new else set()
    if new:
        listed = ", ".join(map(str, sorted(new)))
        versions = " --only ".join(map(str, sorted(new)))
        yield Problem(
            "tracker_used_since",
            f"{adoption_record.source} records {listed} as applied, and the applied set does not",
            detail="The other tool was used after its history was adopted; the migrations would "
            "run a second time.",
            hint="Stop using the other tool, and record them with "
            f"`pgbraid baseline --only {versions}`. If the table is not right, drop it, or "
            "run the command with `adopt = false`.",
            versions=tuple(sorted(new)),
        )


def _recorded(
    session: Session, migrations: MigrationSet, adoption_record: AdoptionRecord
) -> set[int]:
    """Return the versions that the adopted table records now; nothing if it cannot be read."""
    source = adoption_record.source or ""
    tables = foreign_tables.read_tracker_tables(session, [source.partition(".")[2]])
    table = next((table for table in tables if table.name == source), None)
    tool = tools.find_tool(table) if table else None
    if table is None or tool is None or not foreign_tables.is_readable(session, table):
        return set()
    try:
        rows = foreign_tables.read_tracker_rows(session, table, tool.reads)
        history = read_history(rows, tool, migrations)
    except ProblemsFound:
        return set()
    if not isinstance(history, Adoption):
        return set()
    # A counter also stands for files that were added below it since.
    above = adoption_record.counter if history.counter is not None else None
    versions = (migration.version for migration in history.migrations)
    return {version for version in versions if above is None or version > above}
