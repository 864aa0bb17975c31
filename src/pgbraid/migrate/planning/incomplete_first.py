"""Puts incomplete migrations first in a plan; all other migrations wait for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem

if TYPE_CHECKING:
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.model.migration import Migration
    from pgbraid.model.plan import Plan

__all__ = [
    "incomplete_above_target",
    "incomplete_changed",
    "incomplete_without_file",
    "is_above",
    "progress_text",
    "put_incomplete_first",
]


def put_incomplete_first(
    plan: Plan, incomplete_migrations: tuple[IncompleteMigration, ...], *, only: int | None
) -> Plan:
    """Return the plan with the incomplete migrations first; with ``only``, just that version."""
    versions = {incomplete.version for incomplete in incomplete_migrations}
    pending = (*plan.steps, *plan.above_target)
    first = [replace(s, incomplete=True) for s in pending if s.migration.version in versions]
    rest = [s for s in plan.steps if s.migration.version not in versions]
    above_target = tuple(s for s in plan.above_target if s.migration.version not in versions)
    steps = (*first, *rest)
    if only is not None:
        above_target = ()
        steps = tuple(s for s in steps if s.migration.version == only)
    return replace(plan, steps=steps, above_target=above_target, incomplete=incomplete_migrations)


def incomplete_without_file(incomplete: IncompleteMigration) -> Problem:
    """Return the problem of an incomplete migration without a file."""
    return Problem(
        "incomplete_missing",
        f"{incomplete.version} ({incomplete.name}) is incomplete, but has no file here",
        detail=progress_text(incomplete),
        hint="Restore its file and run `pgbraid up`; or revert its changes by hand, and discard "
        f"its progress with `pgbraid resume {incomplete.version} --forget`.",
        versions=(incomplete.version,),
    )


def incomplete_changed(
    incomplete: IncompleteMigration, file: Migration, number: int | None
) -> Problem:
    """Return the problem of an incomplete migration with a changed completed statement.

    ``number`` is the number of the changed statement, or None if the file no longer has the
    directive no-transaction.
    """
    change = (
        "its file no longer has the directive no-transaction"
        if number is None
        else f"its completed statement {number}, or a SET that precedes it, was changed"
    )
    return Problem(
        "incomplete_changed",
        f"{file.label} is incomplete, but {change}",
        detail=progress_text(incomplete),
        hint="Restore the old text; or revert the changes of the migration by hand, and discard "
        f"its progress with `pgbraid resume {incomplete.version} --forget`.",
        location=Location(file.path),
        versions=(incomplete.version,),
    )


def is_above(incomplete: IncompleteMigration, to: int | None) -> bool:
    """Whether an incomplete migration is above ``to``, the highest version to apply."""
    return to is not None and incomplete.version > to


def incomplete_above_target(incomplete: IncompleteMigration) -> Problem:
    """Return the problem of an incomplete migration that ``to`` excludes."""
    return Problem(
        "incomplete_above",
        f"{incomplete.version} ({incomplete.name}) is incomplete, and above `to`",
        detail=f"{progress_text(incomplete)} No other migration runs before it is finished.",
        hint=f"Resume it first with `pgbraid resume {incomplete.version}`.",
        versions=(incomplete.version,),
    )


def progress_text(incomplete: IncompleteMigration) -> str:
    """Return a sentence with the number of completed statements."""
    return (
        f"{len(incomplete.completed)} of its {incomplete.statement_count} statements are completed."
    )
