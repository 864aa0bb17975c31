"""Renders the findings of ``lint`` as text: a timeline of each file, then its findings."""

from __future__ import annotations

from collections import Counter

from pgbraid.cli.render import psql
from pgbraid.cli.render.characters import clean, cut
from pgbraid.hazards.analysis.weighing import duration
from pgbraid.model.findings import Blocks, Finding, HazardReport, HazardSeverity, Timeline
from pgbraid.model.migration import Diagnostic, Location

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.rules.rule import Rule
    from pgbraid.model.findings import TimelineRow
    from pgbraid.model.hazards.sizes import Sizes

__all__ = ["finding_lines", "lint_lines", "rule_document", "rule_lines", "summary_line"]

_NONE, _NOTICE = HazardSeverity.NONE, HazardSeverity.NOTICE
_STATEMENT = 40
"""Columns of a statement in the timeline."""
_TABLES = 3
"""The most tables that a timeline shows."""
_BLOCKED = {Blocks.READS_AND_WRITES: "reads and writes", Blocks.WRITES: "writes"}
_THOUSANDS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


def lint_lines(
    report: HazardReport, columns: int | None = None, *, graver_only: bool = False
) -> Iterator[str]:
    """Yield the timelines and findings of a report, file by file, and the summary.

    With ``graver_only``, notices and the notes are left out.
    """
    for timeline in report.timelines:
        shown = [
            f
            for f in report.findings
            if f.migration is timeline.migration and f.severity is not _NONE
        ]
        grave = any(f.severity.rank > _NOTICE.rank for f in shown)
        if graver_only:
            shown = [f for f in shown if f.severity.rank > _NOTICE.rank]
        if not shown:
            continue
        yield from _file(report, timeline, shown, columns if grave else 0)
    if report.unmeasured is not None:
        yield f"WARNING:  no hazards were measured: {clean(report.unmeasured)}"
        return
    notes = () if graver_only else report.notes
    yield from (f"NOTE:  {clean(note)}" for note in notes)
    yield summary_line(report)


def _file(
    report: HazardReport, timeline: Timeline, findings: list[Finding], columns: int | None
) -> Iterator[str]:
    """Yield the part of one migration; ``columns`` of 0 leaves the timeline out."""
    headline = _headline(timeline)
    name = clean(timeline.migration.file)
    yield f"{name}  {headline}" if headline else name
    if columns != 0 and timeline.tables:
        yield from (f"  {line}" for line in _table(timeline, report.sizes, columns))
    for finding in findings:
        yield from finding_lines(finding)
    yield ""


def _headline(timeline: Timeline) -> str:
    """Return which table is blocked for the longest time."""
    worst = 0.1, ""
    for index, table in enumerate(timeline.tables):
        reads, writes = _blocked(timeline, index, reads=True), _blocked(timeline, index)
        blocks = Blocks.READS_AND_WRITES if reads > writes / 2 else Blocks.WRITES
        total = reads if blocks is Blocks.READS_AND_WRITES else writes
        if total > worst[0]:
            worst = total, f"{clean(table)}: {_BLOCKED[blocks]} blocked for about {duration(total)}"
    return worst[1]


def _blocked(timeline: Timeline, index: int, *, reads: bool = False) -> float:
    """Return for how many seconds a table is blocked, without work of unknown length."""
    kinds = {Blocks.READS_AND_WRITES} | (set() if reads else {Blocks.WRITES})
    return sum(row.seconds or 0.0 for row in timeline.rows if row.blocks[index] in kinds)


def _table(timeline: Timeline, sizes: Sizes | None, columns: int | None) -> Iterator[str]:
    tables = timeline.tables[:_TABLES]
    short = [" ".join(table.removeprefix("public.").split()) for table in tables]
    heads = [f"{name}{_rows(table, sizes)}" for name, table in zip(short, tables, strict=True)]
    more = len(timeline.tables) - len(tables)
    heads += [f"and {more} more"] if more else []
    rows = [
        [
            str(row.line),
            cut(" ".join(row.text.split()), _STATEMENT),
            _time(row.seconds),
            *(_cell(row, index) for index in range(len(tables))),
            *([_others(row, len(tables))] if more else []),
        ]
        for row in timeline.rows
    ]
    width = None if columns is None else columns - 2
    yield from psql.table(["line", "statement", "takes", *heads], rows, right=1, columns=width)


def _rows(table: str, sizes: Sizes | None) -> str:
    size = sizes.get(table) if sizes else None
    if size is None or size.rows is None:
        return ""
    for unit, letter in _THOUSANDS:
        if size.rows >= unit:
            return f" {size.rows / unit:.3g} {letter} rows"
    return f" {psql.count(size.rows, 'row')}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return duration(seconds) if seconds >= 0.1 else "-"  # noqa: PLR2004 - as short as no time


def _cell(row: TimelineRow, index: int) -> str:
    blocks = row.blocks[index]
    if blocks is None:
        return _time(row.seconds) if row.works_on[index] and row.seconds else "·"
    sign = "█ r+w" if blocks is Blocks.READS_AND_WRITES else "▒ w"
    time = _time(row.seconds)
    return sign if time == "-" else f"{sign} {time}"


def _others(row: TimelineRow, start: int) -> str:
    later = [blocks for blocks in row.blocks[start:] if blocks is not None]
    if not later:
        return "·"
    return "█ r+w" if Blocks.READS_AND_WRITES in later else "▒ w"


def finding_lines(finding: Finding) -> Iterator[str]:
    """Yield the lines of one finding, in PostgreSQL's slots."""
    severity = finding.severity.upper()
    if finding.allowed is not None:
        yield f"ALLOWED:  {finding.rule}: {clean(finding.message)} ({clean(finding.allowed)})"
        return
    if finding.diagnostic is not None:
        yield from psql.diagnostic(finding.diagnostic)
        return
    place = Location(finding.migration.path, finding.line)
    first, *rest = finding.statement.strip().splitlines() or [""]
    detail = " ".join(filter(None, [_weight(finding), finding.detail])) or None
    yield from psql.diagnostic(
        Diagnostic(
            severity,
            f"{finding.rule}: {finding.message}",
            detail=detail,
            hint=finding.hint,
            location=place,
            excerpt=(first + (" …" if rest else "")) if finding.line else None,
        )
    )
    if finding.instead:
        yield from (f"    {clean(line)}" for line in finding.instead.splitlines())


def _weight(finding: Finding) -> str:
    """Return in words how long a finding blocks, and how many queries would wait."""
    blocks, seconds = finding.blocks, finding.seconds
    if seconds is None or (blocks is None and finding.lock is None):
        return "The size of the table is not known." if finding.lock and seconds is None else ""
    time = f"about {duration(seconds)}"
    kind = _BLOCKED[blocks].capitalize() if blocks else ""
    text = f"{kind} of {finding.object} are blocked for {time}" if blocks else f"It takes {time}"
    if finding.queries_waiting:
        text += f"; about {finding.queries_waiting:,} queries would wait"
    return f"{text}."


def summary_line(report: HazardReport) -> str:
    """Return the line with the numbers of findings, and the age of the sizes."""
    number = psql.count(len(report.timelines), "migration")
    if not report.observations:
        return f"Nothing to judge: no migration is {report.label}."
    counts = Counter(f.severity for f in report.findings if f.allowed is None)
    parts = [
        psql.count(counts[severity], severity.value)
        for severity in reversed(HazardSeverity)
        if severity is not _NONE and counts[severity]
    ]
    allowed = sum(f.allowed is not None for f in report.findings)
    parts += [f"{allowed} allowed"] if allowed else []
    found = ", ".join(parts) if parts else "no hazard found"
    sizes = report.sizes
    taken = f"; sizes of {sizes.taken_at:%Y-%m-%d}" if sizes and sizes.taken_at else ""
    return f"{number} judged on PostgreSQL {report.server}: {found}{taken}."


def rule_lines(rules: tuple[Rule, ...], columns: int | None = None) -> Iterator[str]:
    """Yield the list of the rules."""
    rows = [
        [rule.family, rule.id, rule.severity.value if rule.severity else "by size", rule.title]
        for rule in rules
    ]
    yield from psql.table(["family", "rule", "severity", "finding"], rows, columns=columns)


def rule_document(rules: tuple[Rule, ...]) -> list[dict[str, str | None]]:
    """Return the rules for ``--json``."""
    return [
        {
            "rule": rule.id,
            "family": rule.family,
            "severity": rule.severity.value if rule.severity else None,
            "title": rule.title,
            "fires": rule.fires,
            "instead": rule.instead or None,
        }
        for rule in rules
    ]
