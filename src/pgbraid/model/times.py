"""Reads the times that the server returns."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["utc_time"]


def utc_time(text: str | None) -> datetime | None:
    """Return a time in UTC; None for NULL, and for a time outside Python's range."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
