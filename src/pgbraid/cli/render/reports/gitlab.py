"""The Code Quality report of GitLab."""

from __future__ import annotations

import json

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pgbraid.cli.render.reports.finding import Finding

__all__ = ["code_quality"]


def code_quality(findings: Iterable[Finding], folder: str) -> str:
    """Return the report as JSON. GitLab needs a path, so ``folder`` stands for a missing one."""
    return json.dumps([_entry(finding, folder) for finding in findings], indent=2)


def _severity(finding: Finding) -> str:
    if finding.is_notice:
        return "info"
    return "major" if finding.is_error else "minor"


def _entry(finding: Finding, folder: str) -> dict[str, Any]:
    first, *rest = finding.texts
    description = " ".join([f"{first}." if rest else first, *rest])
    return {
        "description": " ".join(description.split()),
        "check_name": finding.code,
        "fingerprint": finding.fingerprint,
        "severity": _severity(finding),
        "location": {
            # A file name need not be UTF-8, but JSON must be.
            "path": (finding.path or folder).encode(errors="replace").decode(),
            "lines": _lines(finding),
        },
    }


def _lines(finding: Finding) -> dict[str, int]:
    first = finding.line or 1
    return {"begin": first, "end": finding.end_line} if finding.end_line else {"begin": first}
