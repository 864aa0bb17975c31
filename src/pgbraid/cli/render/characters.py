"""The width of text on a terminal, and escapes for control characters."""

from __future__ import annotations

import re

__all__ = ["cell", "clean", "width"]

_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def width(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # only where a text is not ASCII

    columns = wcswidth(text)
    return columns if columns >= 0 else len(text)


def clean(text: str) -> str:
    """Return one line of text with its control characters escaped."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def cell(text: str) -> str:
    """Return a text for a table cell: control characters and tabs are escaped."""
    return clean(text).replace("\t", "\\x09")
