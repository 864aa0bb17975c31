"""The findings of ``lint`` as the reports of CI systems show them."""

from __future__ import annotations

import hashlib
from collections import Counter

from pgbraid.cli.render.findings import Paths, cleaned, shown
from pgbraid.cli.render.reports.finding import Finding
from pgbraid.model.findings import HazardSeverity

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pgbraid.model.findings import Finding as Hazard
    from pgbraid.model.findings import HazardReport

__all__ = ["findings_of_report"]


def findings_of_report(report: HazardReport, paths: Paths) -> tuple[Finding, ...]:
    """Return the findings that are grave enough to be shown and that no directive allows."""
    seen: Counter[str] = Counter()
    return tuple(
        _finding(hazard, paths, seen)
        for hazard in report.findings
        if hazard.severity is not HazardSeverity.NONE and hazard.allowed is None
    )


def _finding(hazard: Hazard, paths: Paths, seen: Counter[str]) -> Finding:
    path = paths.relative(hazard.migration.path)
    instead = f"\n{hazard.instead}" if hazard.instead else ""
    hint = f"{hazard.hint or ''}{instead}".strip()
    return Finding(
        hazard.rule,
        hazard.severity is HazardSeverity.ERROR,
        cleaned(hazard.message),
        cleaned(hazard.detail) if hazard.detail else None,
        cleaned(hint) if hint else None,
        path,
        shown(path),
        hazard.line,
        None,
        _fingerprint(hazard, seen),
        end_line=hazard.end_line,
        is_notice=hazard.severity is HazardSeverity.NOTICE,
    )


def _fingerprint(hazard: Hazard, seen: Counter[str]) -> str:
    """Return a digest of rule, version and statement: lines move, and sizes change."""
    statement = hashlib.sha256(hazard.statement.encode(errors="surrogateescape")).hexdigest()
    key = f"{hazard.rule}\0{hazard.migration.version}\0{statement}"
    seen[key] += 1
    return hashlib.sha256(f"{key}\0{seen[key]}".encode()).hexdigest()
