"""Spans of time as people write them: a number of seconds, or a number with PostgreSQL's unit."""

from __future__ import annotations

__all__ = ["parse_duration", "timeout_literal"]

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""PostgreSQL's units of time, in seconds."""
_SPAN = r"\s*(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?P<unit>us|ms|s|min|h|d)?\s*"
_LONGEST = 2_147_483.0
"""Seconds: what a timeout of PostgreSQL, an integer of milliseconds, holds at most."""


def parse_duration(value: object) -> float | None:
    """Return a span in seconds, or None for what is none: ``0.5``, ``"500ms"``, ``"10 min"``.

    A bare number is of seconds. The longest is what PostgreSQL's own timeouts can be, 24 days.
    """
    if isinstance(value, str):
        import re  # noqa: PLC0415 - every command reads settings, few of them a text

        match = re.fullmatch(_SPAN, value)
        found = float(match["number"]) * _UNITS[match["unit"] or "s"] if match else -1.0
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    else:
        return None
    return found if 0 <= found <= _LONGEST else None


def timeout_literal(seconds: float) -> str:
    """Return a span as the value of a timeout setting; what is not nothing stays above it."""
    milliseconds = round(seconds * 1000)
    return f"'{max(milliseconds, 1) if seconds else 0}ms'"
