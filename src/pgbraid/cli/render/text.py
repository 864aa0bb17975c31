"""Renders the result of each command as text."""

from __future__ import annotations

from pgbraid.cli.render import characters, psql
from pgbraid.cli.render.characters import cell, clean, width
from pgbraid.cli.render.psql import count, duration, spelled, table
from pgbraid.cli.render.state_text import all_applied, nothing_to_do, status_table
from pgbraid.model import sqlstate

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pgbraid.model.errors import MigrationFailed, ProblemsFound
    from pgbraid.model.findings import HazardReport
    from pgbraid.model.migration import MigrationResult
    from pgbraid.model.plan import Plan, Report, Step
    from pgbraid.model.proof import DriftReport, Proof, Squash
    from pgbraid.model.results import (
        Adoption,
        Baselined,
        Check,
        ChecksumFileWritten,
        Conversion,
        Exported,
        Mismatch,
        Reconciled,
        Renumbered,
        Repair,
        Repaired,
        Status,
        Undone,
    )

__all__ = [
    "failure_summary",
    "migration_line",
    "problems_summary",
    "result_lines",
]

_CHANGES = {
    "cosmetic": "comments or white space changed",
    "meaning": "statements changed",
    "unknown": "changed; the text that ran was not kept",
}


def result_lines(value: object, columns: int | None = None) -> Iterator[str]:
    """Return the lines of a result; tables are cut to the width of the terminal."""
    kind = type(value).__name__
    if kind in _TABLES:
        yield from _TABLES[kind](value, columns)
        return
    yield from _ANSWERS[kind](value)
    if kind == "Proof":
        hazards: HazardReport | None = getattr(value, "hazards", None)
        grave = hazards is not None and hazards.has_warnings
        yield from _hazards(hazards, columns, graver_only=True) if hazards and grave else ()


def migration_line(result: MigrationResult, longest: int, columns: int | None = None) -> str:
    """Return the line of one applied migration, its label padded to ``longest`` columns."""
    label = cell(result.migration.label)
    tail = f"  {'gap' if result.gap else '':3}  {duration(result.duration):>9}"
    if columns is not None:
        from pgbraid.cli.render.characters import cut

        longest = min(longest, columns - len("  ") - len(tail))
        label = cut(label, longest)
    return f"  {label}{' ' * (longest - width(label))}{tail}"


def _hazards(
    report: HazardReport, columns: int | None = None, *, graver_only: bool = False
) -> Iterator[str]:
    from pgbraid.cli.render.lint_text import lint_lines

    return lint_lines(report, columns, graver_only=graver_only)


def _report(report: Report) -> Iterator[str]:
    if report.forgotten:
        forgotten = report.forgotten
        name = f"{forgotten.version}" + (f" ({clean(forgotten.name)})" if forgotten.name else "")
        yield (
            f"{name} is no longer incomplete; its committed statements stay. The next up with its "
            "file runs it from its first statement."
        )
        return
    if report.adoption and report.dry_run:
        yield from _would_adopt(report.adoption)
    if report.dry_run and (report.would_apply or report.failures or report.inconclusive):
        yield from _dry_run(report)
    elif report.applied:
        gaps = sum(outcome.gap for outcome in report.applied)
        first, *rest = (outcome.duration for outcome in report.applied)
        total = sum(rest, first)
        gap_note = f" ({count(gaps, 'gap')})" if gaps else ""
        yield f"{count(len(report.applied), 'migration')} applied{gap_note} in {duration(total)}."
    elif report.applied_elsewhere:
        others = count(len(report.applied_elsewhere), "migration")
        yield f"{others} applied by another run in the meantime."
    elif not report.adoption or report.adoption.is_empty:
        yield nothing_to_do(report.previously_applied)
    if report.above_target:
        yield f"{count(len(report.above_target), 'migration')} left above --to."


def _dry_run(report: Report) -> Iterator[str]:
    total = len(report.would_apply) + len(report.failures) + len(report.inconclusive)
    yield (
        f"Dry run: {len(report.would_apply)} of {count(total, 'migration')} ran, "
        f"{len(report.failures)} failed; nothing was kept."
    )
    if len(report.failures) > 1:
        yield "Later failures may be consequences of the first."
    for migration, _ in report.inconclusive:
        yield (
            f"{clean(migration.label)} cannot be tried in a dry run: "
            + (
                "it has the directive no-transaction."
                if migration.directives.no_transaction
                else "it, or a migration before it, needs a commit of an earlier statement."
            )
        )


def _would_adopt(adoption: Adoption) -> Iterator[str]:
    if adoption.is_empty:
        return
    number = count(len(adoption.migrations), "migration")
    yield f"Would adopt {number} from {adoption.source} ({adoption.tool})."
    yield from _adoption_notes(adoption)


def _adoption(adoption: Adoption) -> Iterator[str]:
    if adoption.is_empty:
        yield f"Nothing to adopt: {adoption.source} has no applied version."
        return
    if adoption.dry_run:
        yield from _would_adopt(adoption)
        return
    number = count(len(adoption.migrations), "migration")
    yield f"Adopted {number} from {adoption.source} ({adoption.tool}); none was run."
    yield from _adoption_notes(adoption)


def _adoption_notes(adoption: Adoption) -> Iterator[str]:
    if adoption.verified:
        number = count(len(adoption.verified), "file")
        verb = "has" if len(adoption.verified) == 1 else "have"
        yield f"{number} {verb} the text that {adoption.tool} has applied, by its checksum."
    if adoption.note:
        yield f"NOTE:  {spelled(adoption.note)}"


def _plan(plan: Plan, columns: int | None) -> Iterator[str]:
    if plan.adoption:
        yield from _would_adopt(plan.adoption)
    adopts = plan.adoption and not plan.adoption.is_empty
    if not plan.steps and not plan.errors and not adopts:
        yield nothing_to_do(len(plan.applied))
    if plan.steps:
        rows = [[str(s.migration.version), s.migration.name, _pending(s)] for s in plan.steps]
        yield from table(["version", "name", "state"], rows, right=1, columns=columns)
        gaps = f", {count(len(plan.gaps), 'gap')} among them" if plan.gaps else ""
        yield f"{count(len(plan.steps), 'migration')} to apply{gaps}."
    if plan.above_target:
        yield f"{count(len(plan.above_target), 'migration')} left above --to."
    if plan.errors:
        yield f"up would refuse: {count(len(plan.errors), 'problem')}."


def _pending(step: Step) -> str:
    return "incomplete" if step.incomplete else "gap" if step.gap else "pending"


def _status(status: Status, columns: int | None) -> Iterator[str]:
    from pgbraid.model.results import State

    if status.adoption:
        yield from _would_adopt(status.adoption)
    rows = [(row.version, row.name, row.state.value, row.applied_at) for row in status.rows]
    counts = [(status.count(state), state.value) for state in State if status.count(state)]
    yield from status_table(rows, counts, columns)


def _check(check: Check) -> Iterator[str]:
    if check.proof is not None:
        from pgbraid.cli.render.differences import proof_of_check_lines

        yield from proof_of_check_lines(check.proof)
    if check.hazards is not None:
        yield from _hazards(check.hazards, graver_only=True)
    if not check.ok:
        errors = sum(p.severity == "error" for p in check.problems)
        grave = check.hazards.grave_number if check.hazards else 0
        parts = [count(errors, "problem")] if errors or not grave else []
        parts += [f"{count(grave, 'hazard')} that {'is an error' if grave == 1 else 'are errors'}"]
        yield f"no: {', '.join(parts if grave else parts[:1])}."
    elif check.base:
        yield f"yes: no problem in the files, and the migrations of {clean(check.base)} are kept."
    elif check.offline:
        yield "yes: no problem in the files would stop a run."
    else:
        changed = sum(problem.code == "modified_comments" for problem in check.problems)
        yield all_applied(
            check.applied,
            unverified=check.unverified,
            changed=changed,
            newer=len(check.newer),
            compared=check.compared,
        )
    if check.ok and check.checksum_file_compared:
        yield "The files match pgbraid.sum."


def _repair(repair: Repair) -> Iterator[str]:
    for change in repair.repaired:
        yield f"  {clean(change.migration.label)}: {_change(change)}"
    for migration in repair.unchanged:
        yield f"  {clean(migration.label)}: matches the record"
    for migration in repair.renamed:
        yield f"  {clean(migration.label)}: has another name; accept it with --rename"
    if repair.repaired:
        number = count(len(repair.repaired), "migration")
        yield f"{number} repaired; the journal keeps the old checksums."
    else:
        yield "Nothing repaired." if repair.renamed else "Nothing to repair."


def _change(change: Repaired) -> str:
    parts = [_CHANGES[change.kind]] if change.kind else []
    if change.old_name is not None:
        parts.append(f"was named {clean(change.old_name)!r}")
    if change.old_checksum is None:
        parts.append("had no checksum")
    return ", ".join(parts) or "line ends changed"


def _reconciled(reconciled: Reconciled) -> Iterator[str]:
    journal = reconciled.trust == "journal"
    missing = "restored to the applied set" if journal else "pending again"
    outdated = "removed from the applied set" if journal else "stays applied"
    for mismatch in reconciled.missing:
        yield f"  {_versioned(mismatch)}: {missing}"
    for mismatch in reconciled.outdated:
        yield f"  {_versioned(mismatch)}: {outdated}"
    number = len(reconciled.missing) + len(reconciled.outdated)
    if number:
        yield f"{count(number, 'version')} repaired; applied set and journal agree."
    else:
        yield "Nothing to repair: applied set and journal agree."


def _versioned(mismatch: Mismatch) -> str:
    return f"{mismatch.version}_{clean(mismatch.name)}" if mismatch.name else f"{mismatch.version}"


def _baselined(baselined: Baselined) -> Iterator[str]:
    if baselined.drift:
        yield from _drifted(baselined.drift)
    if not baselined.ok:
        yield "Nothing was recorded."
        return
    for migration in baselined.migrations:
        yield f"  {clean(migration.label)}"
    also = (
        f"; {baselined.previously_applied} applied before" if baselined.previously_applied else ""
    )
    number = count(len(baselined.migrations), "migration")
    yield f"{number} recorded as applied, none was run{also}."


def _summed(summed: ChecksumFileWritten) -> Iterator[str]:
    yield f"{clean(summed.file)} lists {count(summed.listed, 'file')}."


def _renumbered(renumbered: Renumbered) -> Iterator[str]:
    for file in renumbered.files:
        yield f"{clean(file.old)} -> {clean(file.new)}"
    if not renumbered.files:
        yield f"Nothing to renumber: the migrations of this branch follow {clean(renumbered.base)}."
    elif renumbered.dry_run:
        yield "Dry run: nothing was renamed."


def _undone(undone: Undone) -> Iterator[str]:
    yield f"{clean(undone.migration.label)} undone in {duration(undone.duration)}."
    yield "It is pending now: the next `pgbraid up` applies it again, unless its file is removed."


def _proof(proof: Proof) -> Iterator[str]:
    from pgbraid.cli.render.differences import proof_lines

    return proof_lines(proof)


def _drifted(report: DriftReport) -> Iterator[str]:
    from pgbraid.cli.render.differences import drift_lines

    return drift_lines(report)


def _exported(exported: Exported) -> Iterator[str]:
    if not exported.versions:
        yield f"Nothing to export: {exported.table} records all applied migrations."
        return
    number = count(len(exported.versions), "migration")
    verb = "Would record" if exported.dry_run else "Recorded"
    yield f"{verb} {number} in {exported.table} ({exported.tool}); none was run."
    if exported.note:
        yield f"NOTE:  {exported.note}."


def _squash(squash: Squash) -> Iterator[str]:
    from pgbraid.cli.render.differences import squash_lines

    return squash_lines(squash)


def _conversion(conversion: Conversion) -> Iterator[str]:
    for file in conversion.files:
        down = f", {file.down}" if file.down else ""
        yield f"{file.source} -> {file.file}{down}"
        yield from (f"  {file.file}: {note}." for note in file.notes)
    number = count(len(conversion.files), "migration")
    verb = "Would write" if conversion.dry_run else "Wrote"
    yield f"{verb} {number} of {conversion.tool} to {conversion.destination}."
    if conversion.renumbered:
        yield "NOTE:  The versions differ from the old ones; pgbraid.origin.json has both."
    if not conversion.dry_run:
        yield "On a database that has them, record them now with `pgbraid adopt`; nothing runs."


_TABLES: dict[str, Callable[[Any, int | None], Iterator[str]]] = {
    "Plan": _plan,
    "Status": _status,
    "HazardReport": _hazards,
}
_ANSWERS: dict[str, Callable[[Any], Iterator[str]]] = {
    "Report": _report,
    "Check": _check,
    "Repair": _repair,
    "Reconciled": _reconciled,
    "Baselined": _baselined,
    "Conversion": _conversion,
    "Exported": _exported,
    "ChecksumFileWritten": _summed,
    "Renumbered": _renumbered,
    "Undone": _undone,
    "Adoption": _adoption,
    "Proof": _proof,
    "DriftReport": _drifted,
    "Squash": _squash,
}


_TRANSIENT = frozenset(
    {sqlstate.LOCK_NOT_AVAILABLE, sqlstate.DEADLOCK_DETECTED, sqlstate.SERIALIZATION_FAILURE}
)
"""Errors that another session caused: the file needs no change."""


def problems_summary(error: ProblemsFound) -> str:
    """Return the number of problems, and of the migrations applied before."""
    problems = f"{psql.count(len(error.problems), 'problem')} found"
    before = psql.count(len(error.applied), "migration")
    return (
        f"{problems}; {before} applied before" if error.applied else f"{problems}; nothing was run"
    )


def failure_summary(error: MigrationFailed, command: str, *, temporary_server: bool) -> str:
    """Return the state that a failed migration leaves, and the next step."""
    label = characters.clean(error.migration.label)
    if error.completed_of_total:
        done, total = error.completed_of_total
        state = f"{label} is incomplete: {done} of its {psql.count(total, 'statement')} completed"
        before = psql.count(len(error.applied), "migration")
        return f"{state}; {before} applied before it. All later migrations wait for it."
    if error.incomplete:
        return f"{label} is not recorded. Check which changes it committed before the next run."
    if command in {"lint", "check", "report"}:
        return f"{label} is in the history, and fails on the scratch server; nothing was judged."
    if command == "undo":
        return f"The down file was rolled back; {label} stays applied."
    end = "removed with the temporary server" if temporary_server else "kept"
    before = f"{psql.count(len(error.applied), 'migration')} applied before it, {end}"
    applied = before if error.applied else "nothing was applied"
    if error.sqlstate in _TRANSIENT:
        return f"{label} was rolled back; {applied}."
    return f"{label} was rolled back; {applied}. Fix the file, then run `pgbraid up` again."
