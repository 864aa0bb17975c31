"""Characters on a terminal: how wide a text is, and which characters are shown as escapes."""

from __future__ import annotations

import re

__all__ = ["cell", "clean", "width"]

_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # only where a text is not ASCII

    columns = wcswidth(text)
    return columns if columns >= 0 else len(text)


def clean(text: str) -> str:
    """Return a text of one line without characters that could steer a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def cell(text: str) -> str:
    """Return a text for a table, in which every character has a width."""
    return clean(text).replace("\t", "\\x09")
