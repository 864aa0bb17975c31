"""Checks the baselines of a folder: files with the directive ``replaces=``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import Migration, MigrationSet

__all__ = ["baselines_of", "below_baseline", "listed", "with_baseline_problems"]

_LISTED = 12


def baselines_of(migrations: MigrationSet) -> tuple[Migration, ...]:
    """Return the migrations that replace others."""
    return tuple(m for m in migrations.migrations if m.directives.replaces)


def listed(versions: Sequence[int]) -> str:
    """Return the first few of some versions as text."""
    more = f" and {len(versions) - _LISTED} more" if len(versions) > _LISTED else ""
    return ", ".join(map(str, versions[:_LISTED])) + more


def with_baseline_problems(migrations: MigrationSet) -> MigrationSet:
    """Return the migrations with the problems of their baselines added."""
    problems = tuple(_problems(migrations))
    return replace(migrations, problems=(*migrations.problems, *problems))


def _problems(migrations: MigrationSet) -> Iterator[Problem]:
    owners: dict[int, Migration] = {}
    for baseline in baselines_of(migrations):
        version, replaced = baseline.version, baseline.directives.replaces
        place = Location(baseline.path)
        if replaced[-1] != version:
            yield Problem(
                "replaces_wrong",
                f"{baseline.label} must replace its own version, and no version above it",
                detail=f"The highest version of its directive `replaces` is {replaced[-1]}.",
                hint="Restore the file from git, or write it again with `pgbraid squash`.",
                location=place,
                versions=(version,),
            )
        files = {m.version: m for m in migrations.migrations if m is not baseline}
        existing = [files[v] for v in replaced if v in files]
        if existing:
            names = ", ".join(m.file for m in existing[:_LISTED])
            yield Problem(
                "replaces_existing",
                f"{baseline.label} replaces versions that have a file: {names}",
                detail="Their changes would run twice on a fresh database.",
                hint="Delete these files if the baseline has their changes; else delete the "
                "baseline, restore the replaced files, and run `pgbraid squash` again.",
                location=place,
                versions=tuple(m.version for m in existing),
            )
        twice = [v for v in replaced if v in owners]
        if twice:
            yield Problem(
                "replaces_twice",
                f"{owners[twice[0]].label} and {baseline.label} both replace {listed(twice)}",
                hint="Keep one of the two baselines, and restore the files that only the other one "
                "replaces.",
                location=place,
                versions=(owners[twice[0]].version, version),
            )
        owners.update(dict.fromkeys(replaced, baseline))
        for file in files.values():
            is_below = file.version < version and file.version not in replaced
            # Two baselines of one version are reported above.
            if is_below and not set(replaced).intersection(file.directives.replaces):
                yield below_baseline(file, baseline)


def below_baseline(file: Migration, baseline: Migration, ref: str = "") -> Problem:
    """Return the problem of a migration below a baseline that does not replace it.

    ``ref`` is the commit with the baseline, if it is not in this folder.
    """
    where = f" of {ref}" if ref else ""
    return Problem(
        "below_baseline",
        f"{file.label} is below the baseline {baseline.label}{where}, which does not replace it",
        detail="A fresh database would run it before the baseline, without the schema on which it "
        "was written.",
        hint=f"Give it a version above {baseline.version} (`pgbraid new NAME` chooses it).",
        location=Location(file.path),
        versions=(file.version,),
    )
