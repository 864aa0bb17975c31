"""What to run: one pure function over the files and the applied set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.core.drift import is_digest
from pgbraid.core.filenames import fold, names_agree
from pgbraid.core.model import (
    Adoption,
    Applied,
    Drift,
    DriftKind,
    Ledger,
    Location,
    Migration,
    MigrationSet,
    Plan,
    Problem,
    Severity,
    Step,
    Verify,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["make_plan", "stricter"]

_FAILING_WARNINGS = frozenset({"missing_file", "near_miss"})
"""Warnings of a run that are the answer no to a check."""


def make_plan(  # noqa: PLR0913 - everything that decides what runs
    migrations: MigrationSet,
    ledger: Ledger,
    *,
    adoption: Adoption | None = None,
    drifts: Sequence[Drift] = (),
    verify: Verify = Verify.ERROR,
    to: int | None = None,
) -> Plan:
    """Return what ``up`` would do: every file's version that the set lacks, in version order.

    A version below the highest applied one is a gap and runs like any other. ``to`` leaves out
    the versions above it. The plan lists every problem; it raises nothing.
    """
    have = {row.version for row in ledger.applied}
    have |= {m.version for m in adoption.migrations} if adoption else set()
    highest = max(have, default=-1)
    pending = [
        Step(m, gap=m.version < highest) for m in migrations.migrations if m.version not in have
    ]
    missing = _missing(migrations, ledger)
    problems = (
        *migrations.problems,
        *_renames(migrations, ledger),
        *_drift_problems(drifts, verify),
        *_foreign_checksums(ledger, verify),
        *map(_missing_problem, missing),
    )
    return Plan(
        steps=tuple(s for s in pending if to is None or s.migration.version <= to),
        later=tuple(s for s in pending if to is not None and s.migration.version > to),
        applied=ledger.applied,
        missing=missing,
        drifts=tuple(drifts),
        adoption=adoption,
        problems=problems,
        tracker_exists=ledger.exists,
    )


def _missing(migrations: MigrationSet, ledger: Ledger) -> tuple[Applied, ...]:
    """Return the applied rows without a file; a file with a problem of its own is there."""
    present = {m.version for m in migrations.migrations}
    present |= {version for problem in migrations.problems for version in problem.versions}
    return tuple(row for row in ledger.applied if row.version not in present)


def _missing_problem(row: Applied) -> Problem:
    return Problem(
        "missing_file",
        f"{row.version} ({row.name or 'no name'}) is applied, but has no file here",
        detail="An older release started on a newer database, or the file was deleted.",
        hint="Bring the file back, or leave it if this release is older than the database.",
        severity=Severity.WARNING,
        versions=(row.version,),
    )


def _renames(migrations: MigrationSet, ledger: Ledger) -> Iterator[Problem]:
    files = {m.version: m for m in migrations.migrations}
    for row in ledger.applied:
        file = files.get(row.version)
        if file and row.name and not names_agree(row.name, file.version, file.name):
            yield _rename_problem(row.name, file)


def _rename_problem(recorded: str, file: Migration) -> Problem:
    alike = fold(recorded) == fold(file.name)
    return Problem(
        "renamed",
        f"{file.version} was applied under the name {recorded!r}, its file is now {file.file!r}",
        detail="The two names differ only in case or in Unicode normalisation."
        if alike
        else "Either the file was renamed, or two branches used one version.",
        hint="Give the file its old name back, or accept the new one with "
        f"`pgbraid repair --rename {file.version}`.",
        location=Location(file.path),
        versions=(file.version,),
    )


def _drift_problems(drifts: Sequence[Drift], verify: Verify) -> Iterator[Problem]:
    if verify is Verify.OFF:
        return
    for drift in drifts:
        cosmetic = drift.kind is DriftKind.COSMETIC
        warn = cosmetic or verify is Verify.WARN
        file = drift.migration
        yield Problem(
            "drifted_comments" if cosmetic else "drifted",
            f"{file.label} was changed after it was applied"
            + (", in comments or white space only" if cosmetic else ""),
            detail=_drift_detail(drift),
            hint="Restore the file and put the change into a new migration, or accept it with "
            f"`pgbraid repair {file.version}`.",
            severity=Severity.WARNING if warn else Severity.ERROR,
            location=Location(file.path),
            versions=(file.version,),
            diff=drift.diff,
        )


def _foreign_checksums(ledger: Ledger, verify: Verify) -> Iterator[Problem]:
    """Say that checksums of another kind, in a tracker that another program writes, stay unread."""
    other = [row.version for row in ledger.applied if row.checksum and not is_digest(row.checksum)]
    if other and verify is not Verify.OFF:
        yield Problem(
            "foreign_checksum",
            f"{len(other)} recorded checksums are no sha256, so those files are not verified",
            hint=f"Record ours with `pgbraid repair {other[0]}` and so on.",
            severity=Severity.WARNING,
            versions=tuple(other),
        )


def _drift_detail(drift: Drift) -> str | None:
    if drift.kind is not DriftKind.UNKNOWN:
        return None
    return (
        f"Recorded sha256 {drift.recorded[:12]}…, now {drift.migration.checksum[:12]}…; the text "
        "that ran was not kept, so the change cannot be shown."
    )


def stricter(problem: Problem) -> Problem:
    """Return the problem as a check sees it: some warnings of a run are its answer no."""
    failing = problem.code in _FAILING_WARNINGS
    return replace(problem, severity=Severity.ERROR) if failing else problem
