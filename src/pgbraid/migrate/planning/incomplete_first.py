"""What incomplete migrations mean for a plan: they go on first, and everything else waits."""

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
    """Return the plan with what is incomplete first, or with ``only`` one version of it."""
    versions = {incomplete.version for incomplete in incomplete_migrations}
    everything = (*plan.steps, *plan.above_target)
    first = [replace(s, incomplete=True) for s in everything if s.migration.version in versions]
    rest = [s for s in plan.steps if s.migration.version not in versions]
    later = tuple(s for s in plan.above_target if s.migration.version not in versions)
    steps = (*first, *rest)
    if only is not None:
        later = ()
        steps = tuple(s for s in steps if s.migration.version == only)
    return replace(plan, steps=steps, above_target=later, incomplete=incomplete_migrations)


def incomplete_without_file(incomplete: IncompleteMigration) -> Problem:
    """Return the problem of a migration that was begun and has no file now."""
    return Problem(
        "incomplete_missing",
        f"{incomplete.version} ({incomplete.name}) is incomplete, and has no file here",
        detail=progress_text(incomplete),
        hint="Bring its file back and run `pgbraid up`; or put right what it did, and let go of "
        f"it with `pgbraid resume {incomplete.version} --forget`.",
        versions=(incomplete.version,),
    )


def incomplete_changed(
    incomplete: IncompleteMigration, file: Migration, number: int | None
) -> Problem:
    """Return the problem of an incomplete migration whose finished part was changed.

    ``number`` is the statement's, or None where the file no longer runs outside a transaction.
    """
    changed = f"statement {number}, or a SET before it, was changed"
    what = "no longer says no-transaction" if number is None else changed
    return Problem(
        "incomplete_changed",
        f"{file.label} is incomplete, and {what}",
        detail=progress_text(incomplete),
        hint="Give what was done its old text back; or put right what it did, and let go of it "
        f"with `pgbraid resume {incomplete.version} --forget`.",
        location=Location(file.path),
        versions=(incomplete.version,),
    )


def is_above(incomplete: IncompleteMigration, to: int | None) -> bool:
    """Whether what is incomplete is above the highest version that is to be applied."""
    return to is not None and incomplete.version > to


def incomplete_above_target(incomplete: IncompleteMigration) -> Problem:
    """Return the problem of an incomplete migration that is not to be gone on with."""
    return Problem(
        "incomplete_above",
        f"{incomplete.version} ({incomplete.name}) is incomplete, and above `to`",
        detail=f"{progress_text(incomplete)} Everything else waits for it.",
        hint=f"Go on with it first: `pgbraid resume {incomplete.version}`.",
        versions=(incomplete.version,),
    )


def progress_text(incomplete: IncompleteMigration) -> str:
    """Say how much of an incomplete migration is through."""
    return (
        f"{len(incomplete.completed)} of its {incomplete.statement_count} statements are through."
    )
