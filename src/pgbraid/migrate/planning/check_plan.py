"""Turns a plan into the answer of ``check``: each pending version is an error of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.migrate.planning.planner import as_check_problem, progress_text
from pgbraid.model.migration import Problem
from pgbraid.model.options import Verify
from pgbraid.model.results import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import Plan

__all__ = ["check_of_plan"]


def check_of_plan(plan: Plan, request: PlanRequest, *, newer_ok: bool = False) -> Check:
    """Return whether the applied versions are exactly those of the files, and no file was modified.

    Some warnings of ``up`` fail a check: applied versions without a file, and files whose names
    are almost those of migrations. With ``newer_ok``, applied versions without a file are no
    problem, and an incomplete one stays a warning unless it blocks a pending migration. They may
    have any number: a newer release also fills gaps. But without any file this is no older
    release: the folder is the wrong one.
    """
    pending = plan.steps or plan.above_target
    newer_ok = newer_ok and bool(pending or len(plan.missing_files) < len(plan.applied))
    problems = (
        p if newer_ok and p.code == "incomplete_missing" else as_check_problem(p)
        for p in plan.problems
        if not (newer_ok and p.code == "missing_file")
    )
    return Check(
        applied=len(plan.applied),
        problems=(*problems, *_pending(plan)),
        compared=request.verify is not Verify.OFF,
        # The recorded checksum of a version that a baseline took over is that of another file.
        unverified=sum(row.checksum is None for row in plan.applied)
        + sum(replaced.taken_over for replaced in plan.replaced),
        newer=tuple(row.version for row in plan.missing_files) if newer_ok else (),
    )


def _pending(plan: Plan) -> Iterator[Problem]:
    if any(problem.code.startswith("tracker_") for problem in plan.problems):
        return  # until that problem is fixed, the pending versions are unknown
    if plan.adoption:
        count = len(plan.adoption.migrations)
        yield Problem(
            "not_adopted",
            f"{count} migrations are recorded by {plan.adoption.tool} only",
            detail=plan.adoption.note,
            hint="Record them in the applied set with `pgbraid adopt`, or let `pgbraid up` do it.",
            versions=tuple(m.version for m in plan.adoption.migrations),
        )
    progress = {incomplete.version: progress_text(incomplete) for incomplete in plan.incomplete}
    for step in (*plan.steps, *plan.above_target):
        migration = step.migration
        yield Problem(
            "incomplete" if step.incomplete else "gap" if step.gap else "pending",
            f"{migration.label} is incomplete"
            if step.incomplete
            else f"{migration.label} is not applied"
            + (", although a higher version is" if step.gap else ""),
            detail=progress.get(migration.version),
            hint="Resume it with `pgbraid up`, or with `pgbraid resume "
            f"{migration.version}` for this migration only."
            if step.incomplete
            else "Apply it with `pgbraid up`.",
            versions=(migration.version,),
        )
