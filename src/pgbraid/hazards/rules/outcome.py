"""Family E: migrations that fail, and statements of which nothing was seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.context import blocks_of
from pgbraid.hazards.rules.rule import Rule, found
from pgbraid.model.findings import Finding, HazardSeverity
from pgbraid.model.observed import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext, Step

__all__ = ["OUTCOME_RULES"]

_SKIPPING = ", skipping"
"""The end of the server's notices about IF EXISTS and IF NOT EXISTS, in English."""


def _fails(context: FileContext) -> Iterator[Finding]:
    failure = context.file.failure
    if failure is not None:
        line = failure.location.line if failure.location else None
        yield Finding(
            "fails",
            HazardSeverity.ERROR,
            context.file.migration,
            failure.message,
            line=line,
            end_line=line,
            detail=failure.detail,
            hint=failure.hint,
            diagnostic=failure,
        )


def _not_exercised(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for reason in _reasons(context, step):
            finding = found("not-exercised", context, step, reason)
            yield replace(
                finding,
                severity=HazardSeverity.NOTICE,
                detail="Its effect where it does something was not measured.",
            )


def _reasons(context: FileContext, step: Step) -> Iterator[str]:
    """Yield why a statement did nothing, or less than it does in production."""
    statement = step.statement
    for notice in statement.notices:
        if notice.message.endswith(_SKIPPING):
            yield f"the statement did nothing here: {notice.message}"
    locked = any(
        mode >= LockMode.SHARE > step.held.get(oid, LockMode.ACCESS_SHARE)
        for oid, mode in step.locks.items()
    )
    changed = statement.changed or statement.created or statement.written or step.writes or locked
    if statement.autocommit and statement.words[:1] in {("DO",), ("CALL",)}:
        yield "the statement ends transactions itself: its locks, scans and writes were not seen"
    elif statement.words[:1] == ("DO",) and not changed:
        yield "the DO block changed nothing here"
    for oid, mode in step.locks.items():
        relation = step.before.get(oid)
        new = mode > step.held.get(oid, LockMode.ACCESS_SHARE)
        written = oid in step.writes and not statement.text.lower().startswith("insert")
        if relation is None or relation.kind != "p" or not (written or (new and blocks_of(mode))):
            continue
        children = any(other.parent == oid for other in step.before.values())
        if not children and "PARTITION" not in statement.words:
            yield f"{context.label(oid)} has no partition here, so nothing was measured on one"


OUTCOME_RULES = (
    Rule(
        "fails",
        "E",
        "The migration fails",
        "the server refused a statement on the scratch database",
        "",
        _fails,
        HazardSeverity.ERROR,
    ),
    Rule(
        "not-exercised",
        "E",
        "A statement did nothing",
        "IF EXISTS or IF NOT EXISTS skipped the statement, a DO block changed nothing, or a "
        "partitioned table has no partition",
        "",
        _not_exercised,
        HazardSeverity.NOTICE,
    ),
)
