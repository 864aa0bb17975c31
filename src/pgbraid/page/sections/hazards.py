"""Hazards of pending migrations, from the JSON document that ``pgbraid lint --json`` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgbraid.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Hazard", "parse_hazards"]

_SEVERITIES = ("error", "warning", "notice")
_NONE = "none"
"""The severity of a finding without weight, which the page leaves out."""
_HINT = "Give the document that `pgbraid lint --json` prints."


@dataclass(frozen=True, slots=True)
class Hazard:
    """A statement that can block other sessions, or fail, in production.

    ``lock`` is the mode of the lock, ``held_since`` the statement that took it, ``seconds`` how
    long it is held, by a calculation from the size of the table.
    """

    rule: str
    severity: str
    message: str
    version: int | None = None
    file: str | None = None
    line: int | None = None
    end_line: int | None = None
    statement_number: int | None = None
    object: str | None = None
    lock: str | None = None
    blocks: str | None = None
    seconds: float | None = None
    held_since: str | None = None
    rows: int | None = None
    bytes: int | None = None
    queries_waiting: float | None = None
    hint: str | None = None
    instead: str | None = None
    allowed: str | None = None


def parse_hazards(text: str, label: str) -> tuple[Hazard, ...]:
    """Return the findings of a document, the most severe first; ``label`` names the document.

    Findings without weight and members that are not known are ignored. Raises ConfigError, which
    names the place, for a document of another shape.
    """
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{label} is not JSON: {error}", hint=_HINT) from None
    findings = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(findings, list):
        raise ConfigError(f"{label} has no list `findings`", hint=_HINT)
    found = (_hazard(finding, f"{label}: findings[{n}]") for n, finding in enumerate(findings))
    hazards = [hazard for hazard in found if hazard.severity != _NONE]
    return tuple(sorted(hazards, key=lambda hazard: _SEVERITIES.index(hazard.severity)))


def _hazard(finding: object, place: str) -> Hazard:
    if not isinstance(finding, dict):
        raise ConfigError(f"{place} is not an object", hint=_HINT)
    values = {name: _member(finding, name, kinds, place) for name, kinds in _MEMBERS.items()}
    for name in ("rule", "severity", "message"):
        if values[name] is None:
            raise ConfigError(f"{place} has no {name}", hint=_HINT)
    if values["severity"] not in {*_SEVERITIES, _NONE}:
        expected = "error, warning, notice or none"
        raise ConfigError(
            f"{place}.severity must be {expected}, not {values['severity']!r}", hint=_HINT
        )
    return Hazard(**values)


def _member(finding: Mapping[str, object], name: str, kind: str, place: str) -> Any:  # noqa: ANN401 - JSON
    value = finding.get(name)
    if value is None:
        return None
    if kind == "text":
        return _text(value, f"{place}.{name}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{place}.{name} is not a number", hint=_HINT)
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124 - JSON of Python may have NaN
        raise ConfigError(f"{place}.{name} is not a finite number", hint=_HINT)
    return int(value) if kind == "whole" else float(value)


def _text(value: object, place: str) -> str:
    """Return a text; a list of texts is joined, and a flag or a number is written out."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, (int, float)):
        return json.dumps(value)
    raise ConfigError(f"{place} is not a text", hint=_HINT)


_MEMBERS = {
    **dict.fromkeys(("rule", "severity", "message", "file", "object", "lock", "blocks"), "text"),
    **dict.fromkeys(("held_since", "hint", "instead", "allowed"), "text"),
    **dict.fromkeys(("version", "line", "end_line", "statement_number", "rows", "bytes"), "whole"),
    **dict.fromkeys(("seconds", "queries_waiting"), "number"),
}
