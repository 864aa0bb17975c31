"""Fits lines into the width of a terminal."""

from __future__ import annotations

from pgbraid.cli.render.characters import cell, width

__all__ = ["bar_line", "cut"]

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
