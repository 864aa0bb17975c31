"""Splits a text that is too large for memory into parts of whole statements."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.sql.parser import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.sql.script import Script, Segment, Statement

__all__ = ["ScriptPart", "split_stream"]

_WINDOW = 131_072
"""Characters parsed at a time: enough to keep the server busy, few enough for memory."""
_COPY_END = re.compile(r"\\\.(?=\r?(?:\n|\Z))")


@dataclass(frozen=True, slots=True)
class ScriptPart:
    """A part of a text: whole statements; the last may be a COPY whose ``data`` follows.

    The caller must read all of ``data`` before it requests the next part.
    """

    script: Script
    data: Iterator[str] | None = None

    def segments(self) -> Iterator[Segment]:
        """Yield the segments to send, in order."""
        segments = self.script.segments()
        yield from segments[:-1] if self.data else segments
        if self.data:
            yield replace(segments[-1], data=self.data)


class _Window:
    """The part of a text that has been read but not yet yielded, and its position in the file."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self.text = ""
        self.ended = False
        self.line = self.column = 1

    def fill(self, size: int) -> None:
        """Read until the window holds ``size`` characters, or the text ends."""
        chunks, length = [self.text], len(self.text)
        while length < size and not self.ended:
            chunk = next(self._chunks, None)
            self.ended = chunk is None
            chunks.append(chunk or "")
            length += len(chunks[-1])
        self.text = "".join(chunks)

    def drop(self, size: int) -> None:
        """Remove the first ``size`` characters and advance the position."""
        gone, self.text = self.text[:size], self.text[size:]
        lines = gone.count("\n")
        if "\r" in gone:
            lines += gone.count("\r") - gone.count("\r\n")
        self.line += lines
        if lines:
            self.column = len(gone) - max(gone.rfind("\n"), gone.rfind("\r"))
        else:
            self.column += len(gone)


def split_stream(chunks: Iterable[str]) -> Iterator[ScriptPart]:
    """Yield the parts of a text, with the same statements and positions as the whole text.

    ``chunks`` hold the text without a byte-order mark. A chunk may end anywhere except between a
    carriage return and its line feed.
    """
    window = _Window(chunks)
    size = _WINDOW
    while not (window.ended and not window.text):
        window.fill(size)
        parsed = parse(window.text, whole=window.ended, marked=False)
        script = replace(parsed, line=window.line, column=window.column)
        whole = [s for s in script.statements if window.ended or _is_whole(s, script)]
        if not whole and not window.ended:
            # One statement is longer than the window. Doubling keeps the total time linear.
            size = 2 * len(window.text)
            continue
        size = _WINDOW
        yield from _part(window, script, tuple(whole))


def _is_whole(statement: Statement, script: Script) -> bool:
    """Whether more text after the window could not change where the statement ends."""
    if script.unterminated is not None and statement.rest > script.unterminated:
        return False
    # The data begin on the next line, whose beginning must be inside the window.
    if statement.data and statement.closed:
        return script.text[: statement.data[0]].endswith(("\n", "\r"))
    return statement.closed


def _part(window: _Window, script: Script, whole: tuple[Statement, ...]) -> Iterator[ScriptPart]:
    last = whole[-1] if whole else None
    # The data of a COPY is complete only if its end marker lies inside the window.
    sure = window.ended or last is None or last.rest < len(script.text)
    if last is None or last.data is None or (sure and last.rest > last.data[1]) or window.ended:
        end = len(script.text) if window.ended or last is None else last.rest
        yield ScriptPart(_until(script, whole, end))
        window.drop(end)
        return
    first = last.data[0]
    copy = replace(last, data=(first, first), rest=first)
    data = _data(window, first)
    yield ScriptPart(_until(script, (*whole[:-1], copy), first), data)
    for _ in data:  # what the caller had no use for
        pass


def _until(script: Script, statements: tuple[Statement, ...], end: int) -> Script:
    """Return a script cut off at an offset, with the given statements."""
    open_end = script.unterminated
    return replace(
        script,
        text=script.text[:end],
        statements=statements,
        metas=tuple(meta for meta in script.metas if meta.start < end),
        comments=tuple(span for span in script.comments if span[0] < end),
        unterminated=open_end if open_end is not None and open_end < end else None,
    )


def _data(window: _Window, start: int) -> Iterator[str]:
    """Yield the data of a COPY in whole lines, and move the window past the data's end."""
    window.drop(start)
    size = _WINDOW
    while True:
        window.fill(size)
        lines = len(window.text) if window.ended else window.text.rfind("\n") + 1
        if not lines and not window.ended:
            size = 2 * len(window.text)
            continue
        size = _WINDOW
        end, rest = _end_of_data(window.text, lines) or (lines, lines)
        yield window.text[:end]
        over = rest > end or window.ended
        window.drop(rest)
        if over:
            return


def _end_of_data(text: str, lines: int) -> tuple[int, int] | None:
    r"""Return the span of a line that holds only ``\.`` within the first ``lines`` characters."""
    start = 0 if text.startswith("\\.") else text.find("\n\\.") + 1 or -1
    while start >= 0:
        match = _COPY_END.match(text, start, lines)
        if match:
            return match.span()
        start = text.find("\n\\.", start) + 1 or -1
    return None
