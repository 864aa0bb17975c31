"""Builds the JSON documents of ``--json``, as ``docs/json.md`` describes them."""

from __future__ import annotations

from dataclasses import asdict

from pgbraid.cli.render import lint_json, readiness
from pgbraid.cli.render.differences_document import difference_document
from pgbraid.cli.render.psql import spelled
from pgbraid.model.errors import (
    MigrationFailed,
    NotProven,
    PgbraidError,
    ProblemsFound,
    ServerError,
)

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    from pgbraid.model.events import Retrying, ServerNotice
    from pgbraid.model.migration import Diagnostic, Location, Migration, MigrationResult, Problem
    from pgbraid.model.plan import Plan, Report, Step
    from pgbraid.model.proof import ConflictingPair, DriftReport, Proof, ReplayFailure, Squash
    from pgbraid.model.results import (
        Adoption,
        Baselined,
        Check,
        ChecksumFileWritten,
        Reconciled,
        Renumbered,
        Repair,
        Status,
        Undone,
    )

    Document: TypeAlias = dict[str, Any]

__all__ = ["FORMAT", "failure", "notices", "result", "retries"]

FORMAT = 1
"""The version of the documents' shape. Only a removed member or a changed meaning raises it."""
_LISTS_OF_SQUASH = ("lost", "without_effect", "frozen", "not_compared", "provided")


def result(value: object, warnings: Iterable[Problem] = ()) -> Document:
    """Return the document of a command's result.

    The ``warnings`` of the command line stand before those of the result.
    """
    document = _DOCUMENTS[type(value).__name__](value)
    if hasattr(value, "hazards"):
        hazards = getattr(value, "hazards", None)
        document["hazards"] = lint_json.optional_document(hazards, _problem)
    for member in document.keys() & {"warnings", "problems"}:
        document[member] = [*map(_problem, warnings), *document[member]]
    return document


def failure(
    error: PgbraidError,
    *,
    applied: Iterable[MigrationResult] = (),
    warnings: Iterable[Problem] = (),
) -> Document:
    """Return the document of a command that raised ``error``."""
    problems = error.problems if isinstance(error, ProblemsFound) else ()
    document: Document = {
        "type": type(error).__name__,
        "message": spelled(error.message),
        "detail": _spelled(error.detail),
        "hint": _spelled(error.hint),
        "problems": [_problem(problem) for problem in problems],
    }
    if isinstance(error, MigrationFailed):
        document["migration"] = _migration(error.migration)
        document["diagnostic"] = _diagnostic(error.diagnostic)
        completed = error.completed_of_total
        document["incomplete"] = error.incomplete
        document["statements_completed"] = completed[0] if completed else None
    if isinstance(error, ServerError) and error.diagnostic is not None:
        document["diagnostic"] = _diagnostic(error.diagnostic)
    if isinstance(error, NotProven):
        document["proof"] = _proof(error.proof)
    return {
        "applied": [_applied(result) for result in error.applied or applied],
        "warnings": [_problem(problem) for problem in warnings],
        "error": document,
    }


def _spelled(text: str | None) -> str | None:
    return None if text is None else spelled(text)


def notices(events: Iterable[ServerNotice]) -> list[Document]:
    """Return the notices that the server sent while migrations ran."""
    return [{"version": e.migration.version, **_diagnostic(e.diagnostic)} for e in events]


def retries(events: Iterable[Retrying]) -> list[Document]:
    """Return the retries of migrations, and the sessions that blocked them."""
    return [
        {
            "version": event.migration.version,
            "attempt": event.attempt,
            "pause_s": round(event.delay, 3),
            "sqlstate": event.diagnostic.sqlstate,
            "message": event.diagnostic.message,
            "blocked_by": list(event.blockers),
        }
        for event in events
    ]


def _migration(migration: Migration) -> Document:
    return {"version": migration.version, "name": migration.name, "file": migration.path}


def _step(step: Step) -> Document:
    return {**_migration(step.migration), "gap": step.gap, "incomplete": step.incomplete}


def _applied(result: MigrationResult) -> Document:
    return {
        **_migration(result.migration),
        "gap": result.gap,
        "duration_ms": round(result.duration.total_seconds() * 1000, 3),
    }


def _location(location: Location | None) -> Document | None:
    if location is None:
        return None
    return {"file": location.file, "line": location.line, "column": location.column}


def _problem(problem: Problem) -> Document:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": spelled(problem.message),
        "detail": _spelled(problem.detail),
        "hint": _spelled(problem.hint),
        "location": _location(problem.location),
        "versions": list(problem.versions),
        "diff": problem.diff,
    }


def _diagnostic(diagnostic: Diagnostic) -> Document:
    return {
        "severity": diagnostic.severity,
        "sqlstate": diagnostic.sqlstate,
        "message": diagnostic.message,
        "detail": diagnostic.detail,
        "hint": _spelled(diagnostic.hint),
        "context": diagnostic.context,
        "location": _location(diagnostic.location),
    }


def _adoption(adoption: Adoption | None) -> Document | None:
    if adoption is None or adoption.is_empty:
        return None
    return {
        "tool": adoption.tool,
        "source": adoption.source,
        "versions": [m.version for m in adoption.migrations],
        "not_applied": list(adoption.excluded),
        "verified": sorted(adoption.verified),
        "problems": [_problem(problem) for problem in adoption.problems],
        "note": _spelled(adoption.note),
    }


def _report(report: Report) -> Document:
    return {
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "previously_applied": report.previously_applied,
        "adopted": _adoption(report.adoption),
        "applied": [_applied(result) for result in report.applied],
        "would_apply": [_applied(result) for result in report.would_apply],
        "applied_elsewhere": [_migration(migration) for migration in report.applied_elsewhere],
        "above_target": [_step(step) for step in report.above_target],
        "forgotten": report.forgotten.version if report.forgotten else None,
        "failures": [{**_migration(m), "diagnostic": _diagnostic(d)} for m, d in report.failures],
        "inconclusive": [
            {**_migration(m), "diagnostic": _diagnostic(d)} for m, d in report.inconclusive
        ],
        "warnings": [_problem(problem) for problem in report.warnings],
    }


def _plan(plan: Plan) -> Document:
    return {
        "previously_applied": len(plan.applied),
        "adopt": _adoption(plan.adoption),
        "pending": [_step(step) for step in plan.steps],
        "gaps": [_step(step) for step in plan.gaps],
        "above_target": [_step(step) for step in plan.above_target],
        "problems": [_problem(problem) for problem in plan.problems],
    }


def _status(status: Status) -> Document:
    return {
        "migrations": [
            {
                "version": row.version,
                "name": row.name,
                "state": row.state.value,
                "applied_at": row.applied_at.isoformat() if row.applied_at else None,
                "file": row.file,
            }
            for row in status.rows
        ],
        "adopt": _adoption(status.adoption),
        "problems": [_problem(problem) for problem in status.problems],
    }


def _check(check: Check) -> Document:
    return {
        "answer": "yes" if check.ok else "no",
        "offline": check.offline,
        "compared": check.compared,
        "unverified": check.unverified,
        "checksum_file_compared": check.checksum_file_compared,
        "base": check.base,
        "proof": _proof(check.proof) if check.proof else None,
        "applied": check.applied,
        "newer": list(check.newer),
        "problems": [_problem(problem) for problem in check.problems],
    }


def _repair(repair: Repair) -> Document:
    return {
        "repaired": [
            {
                **_migration(change.migration),
                "change": change.kind.value if change.kind else None,
                "old_checksum": change.old_checksum,
                "checksum": change.migration.checksum,
                "old_name": change.old_name,
            }
            for change in repair.repaired
        ],
        "unchanged": [_migration(migration) for migration in repair.unchanged],
        "renamed": [_migration(migration) for migration in repair.renamed],
    }


def _reconciled(reconciled: Reconciled) -> Document:
    return {
        "trust": reconciled.trust,
        "missing": [{"version": m.version, "name": m.name} for m in reconciled.missing],
        "outdated": [{"version": m.version, "name": m.name} for m in reconciled.outdated],
    }


def _baselined(baselined: Baselined) -> Document:
    return {
        "recorded": [_migration(migration) for migration in baselined.migrations],
        "previously_applied": baselined.previously_applied,
        "drift": _drifted(baselined.drift) if baselined.drift else None,
    }


def _summed(summed: ChecksumFileWritten) -> Document:
    warnings = [_problem(problem) for problem in summed.warnings]
    return {"file": summed.file, "listed": summed.listed, "warnings": warnings}


def _renumbered(renumbered: Renumbered) -> Document:
    return {
        "base": renumbered.base,
        "dry_run": renumbered.dry_run,
        "renamed": [
            {"old": f.old, "new": f.new, "old_version": f.old_version, "version": f.version}
            for f in renumbered.files
        ],
        "checksum_file": renumbered.checksum_file,
        "notes": [spelled(note) for note in renumbered.notes],
        "warnings": [],
    }


def _undone(undone: Undone) -> Document:
    duration_ms = round(undone.duration.total_seconds() * 1000, 3)
    return {"undone": {**_migration(undone.migration), "duration_ms": duration_ms}}


def _failure(failure: ReplayFailure | None) -> Document | None:
    if failure is None:
        return None
    return {**_migration(failure.migration), "diagnostic": _diagnostic(failure.diagnostic)}


def _pair(pair: ConflictingPair | None) -> Document | None:
    if pair is None:
        return None
    return {
        "sentence": pair.sentence,
        "first": _migration(pair.first),
        "second": _migration(pair.second),
        "context": [_migration(migration) for migration in pair.context],
        "after": [_migration(migration) for migration in pair.after],
        "minimal": pair.minimal,
        "differences": [difference_document(difference) for difference in pair.differences],
        "recorded_failure": _failure(pair.recorded_failure),
        "version_failure": _failure(pair.version_failure),
    }


def _proof(proof: Proof) -> Document:
    return {
        "verdict": proof.verdict.value,
        "allowed_reason": _spelled(proof.allowed_reason),
        "server": proof.server,
        "cluster": proof.cluster,
        "recorded_order": [migration.version for migration in proof.recorded_order],
        "out_of_order": [_migration(migration) for migration in proof.out_of_order],
        "inversions": proof.inversions,
        "replays": proof.replays,
        "pair": _pair(proof.pair),
        "no_pair": proof.no_pair,
        "search_replays": round(proof.search_replays, 1),
        "cut_short": proof.cut_short,
        "differences": [difference_document(difference) for difference in proof.differences],
        "recorded_failure": _failure(proof.recorded_failure),
        "version_failure": _failure(proof.version_failure),
        "complete": proof.complete,
        "not_compared": list(proof.not_compared),
        "provided": list(proof.provided),
        "hazards": lint_json.optional_document(proof.hazards, _problem),
        "notes": list(proof.notes),
    }


def _drifted(drifted: DriftReport) -> Document:
    return {
        "drifted": not drifted.ok,
        "server": drifted.server,
        "replayed": drifted.replayed,
        "ignored": drifted.ignored,
        "differences": [difference_document(difference) for difference in drifted.differences],
        "not_compared": list(drifted.not_compared),
        "provided": list(drifted.provided),
        "notes": list(drifted.notes),
    }


def _squash(squash: Squash) -> Document:
    return {
        "same": squash.ok,
        "dry_run": squash.dry_run,
        "baseline": {**_migration(squash.baseline), "text": squash.text},
        "replaced": [_migration(migration) for migration in squash.replaced],
        "deleted": list(squash.deleted) if squash.ok and not squash.dry_run else [],
        "differences": [difference_document(difference) for difference in squash.differences],
        "failure": _failure(squash.failure),
        **{name: list(getattr(squash, name)) for name in _LISTS_OF_SQUASH},
        "server": squash.server,
        "history_ms": round(squash.history_seconds * 1000),
        "baseline_ms": round(squash.baseline_seconds * 1000),
    }


_DOCUMENTS: dict[str, Callable[[Any], Document]] = {
    "Report": _report,
    "Plan": _plan,
    "Status": _status,
    "Check": _check,
    "Repair": _repair,
    "Reconciled": _reconciled,
    "Baselined": _baselined,
    "Conversion": lambda value: {**asdict(value), "problems": [*map(_problem, value.problems)]},
    "Exported": asdict,
    "ChecksumFileWritten": _summed,
    "Renumbered": _renumbered,
    "Undone": _undone,
    "Proof": _proof,
    "DriftReport": _drifted,
    "Squash": _squash,
    "HazardReport": lambda value: lint_json.document(value, _problem),
    "Readiness": lambda value: readiness.document(value, _problem),
    "Adoption": lambda adoption: {"adopted": _adoption(adoption)},
}
