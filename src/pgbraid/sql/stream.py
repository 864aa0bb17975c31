"""A text too large to hold: taken apart piece by piece, each a whole number of statements."""

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
"""Characters that are looked at together: enough to keep the server busy, little to hold."""
_COPY_END = re.compile(r"\\\.(?=\r?(?:\n|\Z))")


@dataclass(frozen=True, slots=True)
class ScriptPart:
    """A piece of a text: statements, the last of which may be a COPY with ``data`` to come.

    ``data`` must be used up before the next part is asked for.
    """

    script: Script
    data: Iterator[str] | None = None

    def segments(self) -> Iterator[Segment]:
        """Yield what is sent, in order."""
        found = self.script.segments()
        yield from found[:-1] if self.data else found
        if self.data:
            yield replace(found[-1], data=self.data)


class _Window:
    """What has been read of a text and not yet been passed on."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self.text = ""
        self.ended = False
        self.line = self.column = 1

    def fill(self, size: int) -> None:
        """Read on until there are ``size`` characters, or the text ends."""
        pieces, length = [self.text], len(self.text)
        while length < size and not self.ended:
            piece = next(self._chunks, None)
            self.ended = piece is None
            pieces.append(piece or "")
            length += len(pieces[-1])
        self.text = "".join(pieces)

    def drop(self, size: int) -> None:
        """Let go of what was passed on."""
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
    """Yield a text's parts; its parts' statements and places are those of the whole.

    ``chunks`` are pieces of the text without a byte-order mark, cut anywhere but between a
    carriage return and its line feed.
    """
    window = _Window(chunks)
    size = _WINDOW
    while not (window.ended and not window.text):
        window.fill(size)
        found = parse(window.text, whole=window.ended, marked=False)
        script = replace(found, line=window.line, column=window.column)
        whole = [s for s in script.statements if window.ended or _is_whole(s, script)]
        if not whole and not window.ended:
            size = 2 * len(window.text)
            continue
        size = _WINDOW
        yield from _part(window, script, tuple(whole))


def _is_whole(statement: Statement, script: Script) -> bool:
    """Whether a statement would end there too if more of the text were known."""
    if script.unterminated is not None and statement.rest > script.unterminated:
        return False
    if statement.data and statement.closed:
        return script.text[: statement.data[0]].endswith(("\n", "\r"))
    return statement.closed


def _part(window: _Window, script: Script, whole: tuple[Statement, ...]) -> Iterator[ScriptPart]:
    last = whole[-1] if whole else None
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
    """Return the part of a script before an offset."""
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
    """Yield a COPY's data, whole lines at a time, and leave the window behind their end."""
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
    r"""Return the span of a line of ``\.`` alone among the first characters, whole lines."""
    start = 0 if text.startswith("\\.") else text.find("\n\\.") + 1 or -1
    while start >= 0:
        match = _COPY_END.match(text, start, lines)
        if match:
            return match.span()
        start = text.find("\n\\.", start) + 1 or -1
    return None
