"""``plan``, ``status`` and ``check``: what stands, told without a write or a lock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.core.answers import Check, State, Status, StatusRow
from pgbraid.core.halves import how_far
from pgbraid.core.model import Plan, Problem, Verify
from pgbraid.core.plan import stricter
from pgbraid.db.session import connect
from pgbraid.stop import StopToken
from pgbraid.survey import Wish, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.core.model import MigrationSet, Tracker
    from pgbraid.db.conninfo import Target

__all__ = ["check", "read_plan", "status"]

_OTHER_NAME = frozenset({"renamed", "version_taken"})


def read_plan(migrations: MigrationSet, target: Target, tracker: Tracker, wish: Wish) -> Plan:
    """Return what ``up`` would do now, with every problem; nothing is written or locked."""
    with connect(target, tracker, StopToken()) as session:
        return look(session, migrations, wish)


def check(migrations: MigrationSet, target: Target, tracker: Tracker, wish: Wish) -> Check:
    """Return whether the applied set is exactly the files' and nothing has drifted.

    What ``up`` only warns of fails here: applied versions without a file, and files that look
    like migrations and are none.
    """
    plan = read_plan(migrations, target, tracker, wish)
    problems = (*map(stricter, plan.problems), *_pending(plan))
    return Check(
        applied=len(plan.applied),
        problems=problems,
        compared=wish.verify is not Verify.OFF,
        unverified=sum(row.checksum is None for row in plan.applied),
    )


def _pending(plan: Plan) -> Iterator[Problem]:
    if any(problem.code.startswith("legacy_") for problem in plan.problems):
        return  # what is pending is not known before that is mended
    if plan.adoption:
        count = len(plan.adoption.migrations)
        yield Problem(
            "not_adopted",
            f"{count} migrations are recorded by {plan.adoption.tool} only",
            detail=plan.adoption.note,
            hint="Enter them in the set with `pgbraid adopt`, or let `pgbraid up` do it.",
            versions=tuple(m.version for m in plan.adoption.migrations),
        )
    far = {half.version: how_far(half) for half in plan.halves}
    for step in (*plan.steps, *plan.later):
        migration = step.migration
        yield Problem(
            "half_done" if step.half_done else "gap" if step.gap else "pending",
            f"{migration.label} is half done"
            if step.half_done
            else f"{migration.label} is not applied"
            + (", although a higher version is" if step.gap else ""),
            detail=far.get(migration.version),
            hint=f"Go on with `pgbraid up`, or `pgbraid resume {migration.version}` for it alone."
            if step.half_done
            else "Apply it with `pgbraid up`.",
            versions=(migration.version,),
        )


def status(migrations: MigrationSet, target: Target, tracker: Tracker, wish: Wish) -> Status:
    """Return where every version stands, of the files and of the applied set."""
    plan = read_plan(migrations, target, tracker, replace(wish, times=True))
    rows = sorted(_rows(migrations, plan), key=lambda row: row.version)
    return Status(tuple(rows), plan.problems, plan.adoption)


def _rows(migrations: MigrationSet, plan: Plan) -> Iterator[StatusRow]:
    files = {m.version: m for m in migrations.migrations}
    missing = {row.version for row in plan.missing}
    drifted = {v for p in plan.problems if p.code == "drifted" for v in p.versions}
    renamed = {v for p in plan.problems if p.code in _OTHER_NAME for v in p.versions}
    for row in plan.applied:
        file = files.get(row.version)
        state = State.APPLIED
        if row.version in missing:
            state = State.MISSING_FILE
        elif row.version in renamed:
            state = State.RENAMED
        elif row.version in drifted:
            state = State.DRIFTED
        name = file.name if file else row.name or ""
        yield StatusRow(row.version, name, state, row.applied_at, file.path if file else None)
    for migration in plan.adoption.migrations if plan.adoption else ():
        yield StatusRow(migration.version, migration.name, State.ADOPTABLE, None, migration.path)
    for half in plan.halves:
        if half.version not in files:
            yield StatusRow(half.version, half.name, State.HALF_DONE)
    for step in plan.steps:
        state = State.GAP if step.gap else State.PENDING
        state = State.HALF_DONE if step.half_done else state
        yield StatusRow(
            step.migration.version, step.migration.name, state, None, step.migration.path
        )
