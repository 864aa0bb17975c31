"""Judges observed migrations: all rules, then the settings and the directives of the files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.context import JudgedSet, blocks_of
from pgbraid.hazards.analysis.texts import masked
from pgbraid.hazards.rules.catalogue import RULE_IDS, RULES
from pgbraid.model.errors import ConfigError
from pgbraid.model.findings import (
    Blocks,
    Finding,
    HazardSeverity,
    Timeline,
    TimelineRow,
)
from pgbraid.model.migration import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pgbraid.hazards.analysis.context import FileContext, Step
    from pgbraid.model.migration import Migration

__all__ = ["Judgement", "check_rules", "judge"]

_OFF = "off"
_FAILS = "fails"
"""The rule of a migration that does not run: nothing can allow that."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of the rules: the findings, and the problems of directives that allow hazards."""

    findings: tuple[Finding, ...]
    timelines: tuple[Timeline, ...]
    problems: tuple[Problem, ...] = ()
    unknown_sizes: tuple[str, ...] = ()


def check_rules(severities: Mapping[str, str]) -> None:
    """Raise ConfigError for a rule in the settings that does not exist."""
    for rule in severities:
        if rule not in RULE_IDS:
            raise ConfigError(
                f"hazard_severity names the rule {rule!r}, which does not exist",
                hint="Run `pgbraid lint --rules` for the list.",
            )


def judge(judged: JudgedSet, severities: Mapping[str, str] | None = None) -> Judgement:
    """Return the findings of all rules, by migration and line, the allowed ones marked.

    ``severities`` are the severities of the settings, by rule. Raises ConfigError for an unknown
    rule in them.
    """
    severities = severities or {}
    check_rules(severities)
    findings: list[Finding] = []
    timelines: list[Timeline] = []
    problems: list[Problem] = []
    for context in judged.contexts():
        hits = [f for rule in RULES for f in rule.judge(context)]
        hits = [_adjusted(f, severities[f.rule]) if f.rule in severities else f for f in hits]
        hits = [f for f in hits if severities.get(f.rule) != _OFF]
        hits.sort(key=lambda f: (f.line or 0, -f.severity.rank))
        allowed = tuple(_allowed(context.file.migration, hits))
        findings += allowed
        problems += _stale(context.file.migration, allowed)
        timelines.append(_timeline(context))
    return Judgement(
        tuple(findings), tuple(timelines), tuple(problems), tuple(sorted(judged.unknown))
    )


def _adjusted(finding: Finding, severity: str) -> Finding:
    """Return a finding with the severity of the settings; one without weight keeps none."""
    if severity == _OFF or finding.severity is HazardSeverity.NONE:
        return finding
    return replace(finding, severity=HazardSeverity(severity))


def _allowed(migration: Migration, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, each with the reason of a directive that allows it; none allows fails."""
    for finding in findings:
        reason = next(
            (
                allowance.reason
                for allowance in migration.directives.allowed_hazards
                if allowance.rule == finding.rule != _FAILS
                and _names(allowance.table, finding.object)
            ),
            None,
        )
        yield replace(finding, allowed=reason) if reason else finding


def _names(table: str | None, label: str | None) -> bool:
    return table is None or label is None or label == table or label.endswith(f".{table}")


def _stale(migration: Migration, findings: tuple[Finding, ...]) -> Iterator[Problem]:
    """Yield a problem for each directive that allows nothing that was found."""
    for allowance in migration.directives.allowed_hazards:
        place = Location(migration.path)
        shown = f"{allowance.rule}({allowance.table})" if allowance.table else allowance.rule
        if allowance.rule not in RULE_IDS:
            yield Problem(
                "allowed_unknown",
                f"allow-hazard={shown} names a rule that does not exist",
                hint="Run `pgbraid lint --rules` for the list.",
                location=place,
                versions=(migration.version,),
            )
        elif allowance.rule == _FAILS:
            yield Problem(
                "allowed_nothing",
                f"allow-hazard={shown} cannot allow a migration that fails",
                hint="Remove the directive, and correct the migration.",
                location=place,
                versions=(migration.version,),
            )
        elif not any(
            f.rule == allowance.rule
            and _names(allowance.table, f.object)
            and f.severity is not HazardSeverity.NONE
            for f in findings
        ):
            yield Problem(
                "allowed_nothing",
                f"allow-hazard={shown} allows nothing that was found",
                detail=f"Its reason is: {allowance.reason}.",
                hint="Remove the directive, then run `pgbraid lint` again.",
                location=place,
                versions=(migration.version,),
            )


def _timeline(context: FileContext) -> Timeline:
    """Return the blocks of each statement of a migration, for the old tables that it locks."""
    tables: dict[int, None] = {}
    for step in context.steps:
        for oid, mode in step.locks.items():
            if blocks_of(mode) and context.is_old(oid):
                tables[context.root(oid)] = None
        for work in step.works:
            if context.is_old(work.table):
                tables[context.root(work.table)] = None
    oids = list(tables)
    rows = tuple(_row(context, step, oids) for step in context.steps)
    return Timeline(context.file.migration, tuple(context.label(oid) for oid in oids), rows)


def _row(context: FileContext, step: Step, oids: list[int]) -> TimelineRow:
    blocked: dict[int, Blocks | None] = {}
    for oid, mode in step.locks.items():
        root, blocks = context.root(oid), blocks_of(mode)
        if blocked.get(root) is not Blocks.READS_AND_WRITES:
            blocked[root] = blocks or blocked.get(root)
    working = {context.root(work.table) for work in step.works}
    statement = step.statement
    return TimelineRow(
        statement.number,
        statement.line,
        masked(statement.text),
        step.total,
        tuple(blocked.get(oid) for oid in oids),
        tuple(oid in working for oid in oids),
    )
