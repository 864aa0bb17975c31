"""``plan``, ``status`` and ``check``: read every version's state; no writes, no session lock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.check_plan import check_of_plan
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.model.results import State, Status, StatusRow
from pgbraid.postgres.client.open_session import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.plan import Plan
    from pgbraid.model.results import Check

__all__ = ["check", "plan_pending", "read_status", "status_of_plan"]

_OTHER_NAME = frozenset({"renamed", "version_taken"})


def plan_pending(command: Command) -> Plan:
    """Return the plan that ``up`` would execute now, with its problems. Writes nothing."""
    with connect(command.target, command.ledger, command.options.stop) as session:
        return read_plan(session, command.migrations, command.request)


def check(command: Command, *, newer_ok: bool = False) -> Check:
    """Return the answer of ``check`` on the database, as ``check_of_plan`` describes it."""
    return check_of_plan(plan_pending(command), command.request, newer_ok=newer_ok)


def read_status(command: Command) -> Status:
    """Return the state of every version of the files and of the applied set."""
    plan = plan_pending(replace(command, request=replace(command.request, with_times=True)))
    return status_of_plan(command.migrations, plan)


def status_of_plan(migrations: MigrationSet, plan: Plan) -> Status:
    """Return the state of every version by a plan that has the times of the applied rows."""
    rows = sorted(_rows(migrations, plan), key=lambda row: row.version)
    return Status(tuple(rows), plan.problems, plan.adoption)


def _replaced_rows(plan: Plan) -> Iterator[StatusRow]:
    for replaced in plan.replaced:
        for row in replaced.rows:
            if row.version != replaced.baseline.version:  # the baseline has a row of its own
                yield StatusRow(row.version, row.name or "", State.REPLACED, row.applied_at)


def _rows(migrations: MigrationSet, plan: Plan) -> Iterator[StatusRow]:
    files = {m.version: m for m in migrations.migrations}
    missing = {row.version for row in plan.missing_files}
    modified = {v for p in plan.problems if p.code == "modified" for v in p.versions}
    renamed = {v for p in plan.problems if p.code in _OTHER_NAME for v in p.versions}
    for row in plan.applied:
        file = files.get(row.version)
        state = State.APPLIED
        if row.version in missing:
            state = State.MISSING_FILE
        elif row.version in renamed:
            state = State.RENAMED
        elif row.version in modified:
            state = State.MODIFIED
        name = file.name if file else row.name or ""
        yield StatusRow(row.version, name, state, row.applied_at, file.path if file else None)
    yield from _replaced_rows(plan)
    for migration in plan.adoption.migrations if plan.adoption else ():
        yield StatusRow(migration.version, migration.name, State.ADOPTABLE, None, migration.path)
    for incomplete in plan.incomplete:
        if incomplete.version not in files:
            yield StatusRow(incomplete.version, incomplete.name, State.INCOMPLETE)
    for step in plan.steps:
        state = State.GAP if step.gap else State.PENDING
        state = State.INCOMPLETE if step.incomplete else state
        yield StatusRow(
            step.migration.version, step.migration.name, state, None, step.migration.path
        )
