"""Fits lines into a terminal; where there is no terminal, nothing is cut."""

from __future__ import annotations

import os

from pgbraid.cli.render.characters import cell, width

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["bar_line", "columns_of", "cut"]

_BAR = 24
_WHOLE_BAR_FROM = 80
"""Columns of a terminal; in a narrower one the bar is shorter, too."""
_SHORTEST_LABEL = 10
_CUT = "..."


def columns_of(stream: TextIO | None) -> int | None:
    """Return how many columns a terminal has, or None where the stream is none."""
    if stream is None or not stream.isatty():
        return None
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    if columns:
        return columns
    import shutil  # only where the terminal itself does not know

    return shutil.get_terminal_size().columns


def cut(text: str, columns: int) -> str:
    """Return a text that takes no more columns than these; its end shows that it was cut."""
    if width(text) <= columns:
        return text
    end = _CUT[: max(columns, 0)]
    kept = ""
    for char in text:
        if width(kept + char) > columns - len(end):
            break
        kept += char
    return kept + end


def bar_line(done: float, place: str, label: str, said: str, columns: int) -> str:
    """Return the line of a migration in progress, which leaves the last column free.

    ``done`` is between 0 and 1, ``place`` is which one of how many, and ``said`` how far it is. A
    full row would make some terminals begin the next one, which no carriage return takes back.
    """
    room = columns - 1
    size = min(_BAR, _BAR * columns // _WHOLE_BAR_FROM)
    marks = "#" * int(size * done)
    head = f"[{marks}{'.' * (size - len(marks))}] {place} "
    tail = f" {cell(said)}" if said else ""
    left = room - width(head) - width(tail)
    if left < _SHORTEST_LABEL:
        return cut(f"{head}{cell(label)}{tail}", room)
    return f"{head}{cut(cell(label), left)}{tail}"
