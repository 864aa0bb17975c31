"""Numbers, times and durations in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["count", "duration", "moment", "number", "size"]

_MINUTE = 60
_KILO = 1000


def count(amount: int, noun: str) -> str:
    """Return a number with its noun: ``1 gap``, ``2,000 gaps``."""
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"


def number(amount: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{amount:,}"


def duration(seconds: float) -> str:
    """Return a duration in ms, s or min, as fits its size."""
    if seconds < 0.01:  # noqa: PLR2004 - ten milliseconds
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(at: datetime | None) -> str:
    """Return a time in UTC, to the second; an empty text for an unknown one."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""


def size(amount: int) -> str:
    """Return a number of bytes in the unit that fits."""
    value, units = float(amount), ("bytes", "kB", "MB", "GB", "TB")
    unit = 0
    while value >= _KILO and unit < len(units) - 1:
        value, unit = value / _KILO, unit + 1
    return f"{value:.0f} {units[unit]}" if value >= 10 or not unit else f"{value:.1f} {units[unit]}"  # noqa: PLR2004 - two digits
