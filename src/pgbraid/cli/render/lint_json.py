"""Builds the document of ``lint --json``, as ``docs/json.md`` describes it."""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pgbraid.model.findings import Finding, HazardReport
    from pgbraid.model.migration import Problem
    from pgbraid.model.observed import FileObservation, Relation

__all__ = ["document", "optional_document"]


def optional_document(
    report: HazardReport | None, problem: Callable[[Problem], Any]
) -> dict[str, Any] | None:
    """Return the document of the hazards of another command, or None if none were looked for."""
    return None if report is None else document(report, problem)


def document(report: HazardReport, problem: Callable[[Problem], Any]) -> dict[str, Any]:
    """Return the document; ``problem`` makes that of a problem."""
    sizes = report.sizes
    return {
        "judged": report.label,
        "findings": [_finding(finding) for finding in report.findings],
        "traces": [_trace(file) for file in report.observations],
        "sizes": {
            "from": sizes.label if sizes else None,
            "taken_at": sizes.taken_at.isoformat() if sizes and sizes.taken_at else None,
            "unknown": list(report.unknown_sizes),
        },
        "server": report.server or None,
        "problems": [problem(each) for each in report.problems],
        "notes": list(report.notes),
        "unmeasured": report.unmeasured,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "version": finding.migration.version,
        "file": finding.migration.path,
        "line": finding.line,
        "end_line": finding.end_line,
        "statement_number": finding.statement_number,
        "object": finding.object,
        "lock": finding.lock.words if finding.lock else None,
        "blocks": finding.blocks.value if finding.blocks else None,
        "seconds": None if finding.seconds is None else round(finding.seconds, 3),
        "held_since": finding.held_since,
        "rows": finding.rows,
        "bytes": finding.bytes,
        "queries_waiting": finding.queries_waiting,
        "message": finding.message,
        "detail": finding.detail,
        "hint": finding.hint,
        "instead": finding.instead,
        "probe": finding.probe,
        "allowed": finding.allowed,
    }


def _trace(file: FileObservation) -> dict[str, Any]:
    names = _names(file)
    held: dict[int, str] = {}
    statements = []
    block = 0
    for statement in file.statements:
        if statement.block != block:
            held, block = {}, statement.block
        locks = []
        for lock in statement.locks:
            if held.get(lock.relation) != lock.mode.words and lock.relation in names:
                locks.append(
                    {
                        "object": names[lock.relation],
                        "from": held.get(lock.relation),
                        "to": lock.mode.words,
                    }
                )
            held[lock.relation] = lock.mode.words
        rewritten, built = [], []
        for was, now in statement.changed.values():
            if now is not None and was.file and was.file != now.file:
                rewritten.append(now.label)
            if now is not None:
                built += [
                    index.name for oid, index in now.indexes.items() if oid not in was.indexes
                ]
        statements.append(
            {
                "number": statement.number,
                "line": statement.line,
                "transaction": statement.block,
                "locks": locks,
                "rewritten": rewritten,
                "built": built,
                "read": [names[oid] for oid in statement.scans if oid in names],
                "milliseconds": round(statement.milliseconds, 3),
            }
        )
    return {
        "version": file.migration.version,
        "file": file.migration.path,
        "failed": file.failure is not None,
        "statements": statements,
    }


def _names(file: FileObservation) -> dict[int, str]:
    """Return the names of the relations and indexes before the migration, and after it."""
    names: dict[int, str] = {}
    relations: list[tuple[int, Relation]] = [
        *file.after.relations.items(),
        *file.before.relations.items(),
    ]
    for oid, relation in relations:
        names[oid] = relation.label
        names |= {
            number: f"{relation.schema}.{index.name}" for number, index in relation.indexes.items()
        }
    return names
