"""Durations, times and sizes, as pgbraid reads and writes them."""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "LARGE_SCRIPT_BYTES",
    "LONGEST_DURATION",
    "parse_duration",
    "timeout_literal",
    "utc_time",
]

LARGE_SCRIPT_BYTES = 1_000_000
"""Files larger than this number of bytes are read, checked and run in parts."""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""PostgreSQL's time units, in seconds."""
_DURATION = r"\s*(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?P<unit>us|ms|s|min|h|d)?\s*"
LONGEST_DURATION = 2_147_483.0
"""The maximum of PostgreSQL's timeouts (an integer of milliseconds), in seconds."""


def parse_duration(value: object) -> float | None:
    """Return a duration such as ``0.5``, ``"500ms"`` or ``"10 min"`` in seconds, or None.

    A number without a unit is in seconds. The maximum is that of PostgreSQL's timeouts, 24 days.
    """
    if isinstance(value, str):
        import re  # noqa: PLC0415 - every command reads settings, few of them as text

        match = re.fullmatch(_DURATION, value)
        seconds = float(match["number"]) * _UNITS[match["unit"] or "s"] if match else -1.0
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        return None
    return seconds if 0 <= seconds <= LONGEST_DURATION else None


def timeout_literal(seconds: float) -> str:
    """Return a duration as the value of a PostgreSQL timeout setting, in milliseconds."""
    # A timeout of 0 means no limit, so a duration under a millisecond must not become 0.
    milliseconds = round(seconds * 1000)
    return f"'{max(milliseconds, 1) if seconds else 0}ms'"


def utc_time(text: str | None) -> datetime | None:
    """Return a time that the server wrote in UTC; None for NULL and a time out of range."""
    if not text:
        return None
    from datetime import UTC, datetime  # noqa: PLC0415 - few commands show a time

    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
