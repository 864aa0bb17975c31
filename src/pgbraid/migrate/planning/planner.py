"""Makes the plan from the files, the applied set and the results of checks; reads nothing.

Incomplete migrations come first in a plan; all other migrations wait for them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.migration import (
    AppliedMigration,
    Location,
    Migration,
    MigrationSet,
    Problem,
    Severity,
    digest,
    is_digest,
)
from pgbraid.model.options import Verify
from pgbraid.model.plan import LedgerState, Plan, Step
from pgbraid.source.filenames import case_folded, same_migration_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.model.migration import Migration
    from pgbraid.model.results import Adoption, ModifiedFile

__all__ = [
    "as_check_problem",
    "incomplete_above_target",
    "incomplete_changed",
    "incomplete_without_file",
    "is_above",
    "make_plan",
    "make_plan_without_work",
    "progress_text",
    "put_incomplete_first",
    "renumbered_problem",
]

_FAILING_WARNINGS = frozenset({"missing_file", "near_miss", "modified", "incomplete_missing"})
"""Warnings of a run that fail a check."""
_LISTED = 12
_NOTHING = digest(b"")


def make_plan(  # noqa: PLR0913 - all inputs of the decision
    migrations: MigrationSet,
    state: LedgerState,
    *,
    adoption: Adoption | None = None,
    modified: Sequence[ModifiedFile] = (),
    verify: Verify = Verify.ERROR,
    to: int | None = None,
) -> Plan:
    """Return the plan of ``up``: each version with a file and without an applied row, in order.

    A pending version below the highest applied one is a gap and runs like any other. Versions above
    ``to`` do not run. The plan lists every problem; this function raises nothing.
    """
    applied = {row.version for row in state.applied}
    applied |= {m.version for m in adoption.migrations} if adoption else set()
    highest = max(applied, default=-1)
    pending = [
        Step(m, gap=m.version < highest) for m in migrations.migrations if m.version not in applied
    ]
    missing = _missing(migrations, state)
    others = _other_names(migrations, state)
    changed_versions = {m.migration.version for m in modified if m.kind != "cosmetic"}
    problems = (
        *(_with_applied(problem, state) for problem in migrations.problems),
        *_renames(migrations, state, changed_versions, others),
        *_modified_problems(modified, verify, others),
        *_foreign_checksums(state, verify),
        *_missing_problem(missing),
    )
    return Plan(
        steps=tuple(s for s in pending if to is None or s.migration.version <= to),
        above_target=tuple(s for s in pending if to is not None and s.migration.version > to),
        applied=state.applied,
        missing_files=missing,
        modified_files=tuple(modified),
        adoption=adoption,
        problems=problems,
        ledger_exists=state.exists,
        replaced=state.replaced,
    )


def make_plan_without_work(migrations: MigrationSet, state: LedgerState) -> Plan:
    """Return the plan of ``up`` for an applied set with the versions and the texts of the files."""
    others = frozenset(
        row.version
        for row, file in zip(state.applied, migrations.migrations, strict=True)
        if row.name != file.name
        and row.name
        and not same_migration_name(row.name, row.version, file.name)
    )
    return Plan(
        applied=state.applied,
        problems=(
            *(_with_applied(problem, state) for problem in migrations.problems),
            *_renames(migrations, state, set(), others),
        ),
        ledger_exists=state.exists,
        replaced=state.replaced,
    )


def _missing(migrations: MigrationSet, state: LedgerState) -> tuple[AppliedMigration, ...]:
    """Return the applied rows without a file; a file with a problem counts as present."""
    present = {m.version for m in migrations.migrations}
    present |= {version for problem in migrations.problems for version in problem.versions}
    return tuple(row for row in state.applied if row.version not in present)


def _missing_problem(missing: tuple[AppliedMigration, ...]) -> Iterator[Problem]:
    versions = tuple(row.version for row in missing)
    if not versions:
        return
    listed = ", ".join(map(str, versions[:_LISTED])) + (" …" if len(versions) > _LISTED else "")
    yield Problem(
        "missing_file",
        f"{versions[0]} ({missing[0].name or 'no name'}) is applied, but has no file here"
        if len(missing) == 1
        else f"{len(versions)} applied versions have no file here: {listed}",
        detail="This application is older than the database, or files were deleted.",
        hint="Restore deleted files. If this application is older than the database, do nothing. "
        "`pgbraid status` lists the versions.",
        severity=Severity.WARNING,
        versions=versions,
    )


def _with_applied(problem: Problem, state: LedgerState) -> Problem:
    """Add the name of the applied migration to the problem of two files with one version."""
    rows = {row.version: row for row in state.applied}
    row = next((rows[v] for v in problem.versions if v in rows), None)
    if problem.code != "duplicate_version" or row is None or not row.name:
        return problem
    return replace(problem, detail=f"The applied migration is {row.name!r}: keep that file.")


def _other_names(migrations: MigrationSet, state: LedgerState) -> frozenset[int]:
    """Return the versions whose file name differs from the recorded name."""
    files = {m.version: m for m in migrations.migrations}
    return frozenset(
        row.version
        for row in state.applied
        if row.name
        and row.version in files
        and not same_migration_name(row.name, row.version, files[row.version].name)
    )


def _renames(
    migrations: MigrationSet, state: LedgerState, modified: set[int], others: frozenset[int]
) -> Iterator[Problem]:
    if not others:
        return
    files = {m.version: m for m in migrations.migrations}
    free = max((*files, *(row.version for row in state.applied)), default=0) + 1
    for row in state.applied:
        if row.version in others and row.name:
            file = files[row.version]
            if row.version in modified:
                yield _taken_problem(row.name, file, free)
                free += 1
            else:
                yield _rename_problem(row, file)


def _taken_problem(recorded: str, file: Migration, free: int) -> Problem:
    return Problem(
        "version_taken",
        f"version {file.version} was applied as {recorded!r}; {file.file} is another migration",
        detail="Both its name and its text differ from the applied migration: probably two "
        "branches used one version.",
        hint=f"Rename {file.file} to the next free version, {free}, and restore the applied file. "
        "Only if the file is the applied migration, renamed and edited: `pgbraid repair --rename "
        f"{file.version}`.",
        location=Location(file.path),
        versions=(file.version,),
    )


def _rename_problem(row: AppliedMigration, file: Migration) -> Problem:
    detail = "Either the file was renamed, or two branches used one version."
    if case_folded(row.name or "") == case_folded(file.name):
        detail = "The two names differ only in case or in Unicode normalization."
    elif row.checksum == file.checksum:
        detail = "Its text is the one that was applied, so the file was renamed."
    return Problem(
        "renamed",
        f"{file.version} was applied under the name {row.name!r}, but its file is now "
        f"{file.file!r}",
        detail=detail,
        hint="Give the file its old name back, or accept the new one with "
        f"`pgbraid repair --rename {file.version}`.",
        location=Location(file.path),
        versions=(file.version,),
    )


def renumbered_problem(file: Migration, row: AppliedMigration) -> Problem:
    """Return the problem of a file that was applied under another version, and would run again."""
    differs = "change its text" if row.checksum else "give it another name"
    return Problem(
        "renumbered",
        f"{file.label} was applied as version {row.version}, which has no file now",
        detail="It would run a second time.",
        hint=f"Give the file its version {row.version} back, then run `pgbraid up` again. To keep "
        f"the new version, record it without running it: `pgbraid baseline --only {file.version}`; "
        f"{row.version} stays applied without a file. To run the file as a new migration, "
        f"{differs}.",
        location=Location(file.path),
        versions=(file.version, row.version),
    )


def _modified_problems(
    modified: Sequence[ModifiedFile], verify: Verify, renamed: frozenset[int]
) -> Iterator[Problem]:
    """Yield the problems of modified files; :func:`_renames` covers those that are renamed, too."""
    if verify is Verify.OFF:
        return
    for modification in modified:
        cosmetic = modification.kind == "cosmetic"
        if modification.migration.version in renamed and not cosmetic:
            continue
        warn = cosmetic or verify is Verify.WARN
        file = modification.migration
        yield Problem(
            "modified_comments" if cosmetic else "modified",
            f"{file.label} was changed after it was applied"
            + (", only in comments, white space or the case of words" if cosmetic else ""),
            detail=_modification_detail(modification),
            hint="Restore the file and put the change into a new migration, or accept it with "
            f"`pgbraid repair {file.version}`."
            if modification.recorded != _NOTHING
            else "The file was empty when it was applied, so none of it ran: put its text into a "
            "new migration (`pgbraid new`), and empty it again.",
            severity=Severity.WARNING if warn else Severity.ERROR,
            location=Location(file.path),
            versions=(file.version,),
            diff=modification.diff,
        )


def _foreign_checksums(state: LedgerState, verify: Verify) -> Iterator[Problem]:
    """Warn that checksums of another kind, written by another program, are not verified."""
    other = [row.version for row in state.applied if row.checksum and not is_digest(row.checksum)]
    if other and verify is not Verify.OFF:
        yield Problem(
            "foreign_checksum",
            f"{len(other)} recorded checksums are not sha256, so those files are not verified",
            hint=f"Record the checksum of each file with `pgbraid repair {other[0]}` and so on.",
            severity=Severity.WARNING,
            versions=tuple(other),
        )


def _modification_detail(modification: ModifiedFile) -> str | None:
    if modification.kind != "unknown":
        return None
    return (
        f"Recorded sha256 {modification.recorded[:12]}…, now "
        f"{modification.migration.checksum[:12]}…; the journal does not have the text that ran, so "
        "the change cannot be shown."
    )


def as_check_problem(problem: Problem) -> Problem:
    """Return the problem as ``check`` reports it: some warnings become errors."""
    failing = problem.code in _FAILING_WARNINGS
    return replace(problem, severity=Severity.ERROR) if failing else problem


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
