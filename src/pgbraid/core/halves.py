"""What half done migrations mean for a plan: they go on first, and everything else waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.core.model import Location, Problem

if TYPE_CHECKING:
    from pgbraid.core.answers import Half
    from pgbraid.core.model import Migration, Plan

__all__ = ["half_above", "half_changed", "half_without_file", "how_far", "is_above", "with_halves"]


def with_halves(plan: Plan, halves: tuple[Half, ...], *, only: int | None) -> Plan:
    """Return the plan with what is half done first, or with ``only`` one version of it."""
    versions = {half.version for half in halves}
    everything = (*plan.steps, *plan.later)
    first = [replace(s, half_done=True) for s in everything if s.migration.version in versions]
    rest = [s for s in plan.steps if s.migration.version not in versions]
    later = tuple(s for s in plan.later if s.migration.version not in versions)
    steps = (*first, *rest)
    if only is not None:
        later = ()
        steps = tuple(s for s in steps if s.migration.version == only)
    return replace(plan, steps=steps, later=later, halves=halves)


def half_without_file(half: Half) -> Problem:
    """Return the problem of a migration that was begun and has no file now."""
    return Problem(
        "half_done_missing",
        f"{half.version} ({half.name}) is half done, and has no file here",
        detail=how_far(half),
        hint="Bring its file back and run `pgbraid up`; or put right what it did, and let go of "
        f"it with `pgbraid resume {half.version} --forget`.",
        versions=(half.version,),
    )


def half_changed(half: Half, file: Migration, number: int | None) -> Problem:
    """Return the problem of a half done migration whose finished part was changed.

    ``number`` is the statement's, or None where the file no longer runs outside a transaction.
    """
    changed = f"statement {number}, or a SET before it, was changed"
    what = "no longer says no-transaction" if number is None else changed
    return Problem(
        "half_done_changed",
        f"{file.label} is half done, and {what}",
        detail=how_far(half),
        hint="Give what was done its old text back; or put right what it did, and let go of it "
        f"with `pgbraid resume {half.version} --forget`.",
        location=Location(file.path),
        versions=(half.version,),
    )


def is_above(half: Half, to: int | None) -> bool:
    """Whether what is half done is above the highest version that is to be applied."""
    return to is not None and half.version > to


def half_above(half: Half) -> Problem:
    """Return the problem of a half done migration that is not to be gone on with."""
    return Problem(
        "half_done_above",
        f"{half.version} ({half.name}) is half done, and above `to`",
        detail=f"{how_far(half)} Everything else waits for it.",
        hint=f"Go on with it first: `pgbraid resume {half.version}`.",
        versions=(half.version,),
    )


def how_far(half: Half) -> str:
    """Say how much of a half done migration is through."""
    return f"{len(half.done)} of its {half.total} statements are through."
