"""SARIF 2.1.0, the format of static analysis results: one run."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from urllib.parse import quote

from pgbraid._version import __version__
from pgbraid.cli.render.reports.rules import description_of

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pgbraid.cli.render.reports.finding import Finding

__all__ = ["sarif_log"]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif_log(findings: Sequence[Finding]) -> str:
    """Return the log as JSON.

    A problem without a file is a notification of the run: code scanning of GitHub rejects a whole
    log for one result without a location.
    """
    codes = list(dict.fromkeys(finding.code for finding in findings))
    rules = [
        {"id": code, "shortDescription": {"text": _text(description_of(code))}} for code in codes
    ]
    driver = {"name": "pgbraid", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    _notification(finding) for finding in findings if finding.path is None
                ],
            }
        ],
        "results": [_result(finding, codes) for finding in findings if finding.path is not None],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _level(finding: Finding) -> str:
    if finding.is_notice:
        return "note"
    return "error" if finding.is_error else "warning"


def _notification(finding: Finding) -> dict[str, Any]:
    return {
        "descriptor": {"id": finding.code},
        "level": _level(finding),
        "message": {"text": _text("\n".join(finding.texts))},
    }


def _result(finding: Finding, codes: list[str]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(finding.path or "")}
    if finding.line is not None:
        place["region"] = {"startLine": finding.line}
        if finding.column is not None:
            place["region"]["startColumn"] = finding.column
        if finding.end_line is not None:
            place["region"]["endLine"] = finding.end_line
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _level(finding),
        "message": {"text": _text("\n".join(finding.texts))},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"pgbraidProblem/v1": finding.fingerprint},
    }


def _artifact(path: str) -> dict[str, str]:
    uri = quote(path, safe="/", errors="surrogateescape")
    if PurePosixPath(path).is_absolute():
        return {"uri": f"file://{uri}"}
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _text(text: str) -> str:
    """Return a message without placeholders and links, which SARIF reads in braces and brackets."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")
