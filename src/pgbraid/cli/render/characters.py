"""Fits text into a terminal: its width, escapes for control characters, cut lines."""

from __future__ import annotations

import re

__all__ = ["bar_line", "cell", "clean", "cut", "width"]

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


_BAR = 24
_WHOLE_BAR_FROM = 80
"""In columns; in a narrower terminal the bar is shorter, too."""
_SHORTEST_LABEL = 10
_CUT = "..."


def cut(text: str, columns: int) -> str:
    """Return the text cut to ``columns``; a cut text ends with dots."""
    if width(text) <= columns:
        return text
    end = _CUT[: max(columns, 0)]
    start = ""
    for char in text:
        if width(start + char) > columns - len(end):
            break
        start += char
    return start + end


def bar_line(done: float, place: str, label: str, note: str, columns: int) -> str:
    """Return the progress line of a migration; the last column stays free.

    ``done`` is between 0 and 1, ``place`` is its number of the total, and ``note`` its progress. A
    full row would move the cursor of some terminals to the next row, where a carriage return cannot
    return from.
    """
    room = columns - 1
    size = min(_BAR, _BAR * columns // _WHOLE_BAR_FROM)
    marks = "#" * int(size * done)
    head = f"[{marks}{'.' * (size - len(marks))}] {place} "
    tail = f" {cell(note)}" if note else ""
    remaining = room - width(head) - width(tail)
    if remaining < _SHORTEST_LABEL:
        return cut(f"{head}{cell(label)}{tail}", room)
    return f"{head}{cut(cell(label), remaining)}{tail}"
