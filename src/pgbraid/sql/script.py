"""A parsed migration: its statements with their positions, and the segments sent to the server."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pgbraid.sql.lexer import CONTINUATION, next_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "BLANKS",
    "NEWLINE",
    "MetaCommand",
    "Script",
    "Segment",
    "Statement",
    "from_client",
    "is_commit",
    "line_and_column",
    "line_at",
    "opens_transaction",
    "significant_tokens",
    "to_client",
    "tokens_of",
]

NEWLINE = re.compile(r"\r\n|\n|\r")
"""A line end: CRLF, LF or CR."""
BLANKS = frozenset({"space", "comment", "block"})
"""The kinds of token without meaning."""
_STRINGS = frozenset({"string", "escape"})
_CAPITALS = re.compile(r"[A-Z]+")
_ENDS = frozenset({("COMMIT",), ("END",)})
_COMMITS = frozenset(
    (first, *kind, *tail)
    for first in ("COMMIT", "END")
    for kind in ((), ("WORK",), ("TRANSACTION",))
    for tail in ((), ("AND", "NO", "CHAIN"))
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's span without its semicolon, and its first words, upper-case.

    ``words`` holds the first six words outside parentheses; all words of COPY and of transaction
    control; only the leading words of a statement that the fast path matched. ``data`` is the span
    of inline COPY data. ``rest`` is the offset after the statement and its data.
    """

    start: int
    end: int
    words: tuple[str, ...]
    rest: int
    data: tuple[int, int] | None = None
    trailing: int | None = None
    """Offset of other text on the line of a COPY … FROM STDIN, which is refused."""
    closed: bool = True
    """Whether a semicolon ends the statement."""


@dataclass(frozen=True, slots=True)
class MetaCommand:
    """A psql meta-command: its name with the backslash, and its span to the end of the line."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the script that is sent as one query: SQL, or one COPY with its data.

    ``offset`` is the start of ``sql`` in the script's text; ``starts`` are the starts of its
    statements in that text, in order. ``data`` yields chunks and can be read only once.
    """

    sql: str
    offset: int
    starts: tuple[int, ...]
    data: Iterable[str] | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """The parsed text of a migration, or of a part of one, without a byte-order mark.

    ``comments`` are the spans of ``--`` comments; empty if none of them may be a directive of
    pgbraid or another tool. ``unterminated`` is the offset of a quote or comment without an end.
    ``hidden`` are spans that are sent as spaces. ``line`` and ``column`` (from 1) are the position
    of the text in its file.
    """

    text: str
    statements: tuple[Statement, ...] = ()
    metas: tuple[MetaCommand, ...] = ()
    comments: tuple[tuple[int, int], ...] = ()
    unterminated: int | None = None
    hidden: tuple[tuple[int, int], ...] = ()
    line: int = 1
    column: int = 1

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column in the file, both from 1, of a character offset from 0."""
        # Only the first line of a part can begin in the middle of a line of the file.
        line, column = line_and_column(self.text, offset)
        return self.line + line - 1, column + (self.column - 1 if line == 1 else 0)

    def without_transaction_control(self) -> Script:
        """Return the script with its BEGIN and COMMIT statements replaced by spaces."""
        control = [s for s in self.statements if opens_transaction(s) or is_commit(self.text, s)]
        others = tuple(s for s in self.statements if s not in control)
        spans = [(s.start, s.rest) for s in control]
        return replace(self, text=_blank(self.text, spans), statements=others)

    @property
    def wrapped(self) -> bool:
        """Whether one BEGIN … COMMIT encloses the whole script."""
        if len(self.statements) <= 1 or not opens_transaction(self.statements[0]):
            return False
        return is_commit(self.text, self.statements[-1])

    def segments(self) -> tuple[Segment, ...]:
        """Return the segments to send, in order; an enclosing BEGIN … COMMIT becomes spaces.

        All other characters keep their offsets, so the server's error positions are positions in
        the file.
        """
        body = self.statements[1:-1] if self.wrapped else self.statements
        text = _blank(self.text, self._hidden())
        cuts: list[Segment] = []
        group: list[Statement] = []
        for statement in body:
            if statement.data is None:
                group.append(statement)
                continue
            cuts += _sql_segment(text, group)
            group = []
            cuts.append(_copy_segment(text, statement, statement.data))
        return (*cuts, *_sql_segment(text, group))

    def _hidden(self) -> list[tuple[int, int]]:
        spans = [(meta.start, meta.end) for meta in self.metas] + list(self.hidden)
        if self.wrapped:
            spans += [(s.start, s.rest) for s in (self.statements[0], self.statements[-1])]
        return spans


def opens_transaction(statement: Statement) -> bool:
    """Whether a statement is BEGIN or START TRANSACTION."""
    return statement.words[:1] == ("BEGIN",) or statement.words[:2] == ("START", "TRANSACTION")


def is_commit(text: str, statement: Statement) -> bool:
    """Whether a statement is a plain COMMIT or END, without AND CHAIN or PREPARED."""
    return statement.words[:1] in _ENDS and tuple(tokens_of(text, statement)) in _COMMITS


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        hidden = "".join(char if char in "\r\n" else " " for char in text[start:end])
        text = text[:start] + hidden + text[end:]
    return text


def _sql_segment(text: str, group: list[Statement]) -> list[Segment]:
    if not group:
        return []
    start, end = group[0].start, group[-1].rest
    return [Segment(text[start:end], start, tuple(s.start for s in group))]


def _copy_segment(text: str, copy: Statement, data: tuple[int, int]) -> Segment:
    return Segment(text[copy.start : copy.end], copy.start, (copy.start,), (text[slice(*data)],))


def from_client(words: tuple[str, ...]) -> bool:
    """Whether a statement with these words is a COPY that reads from the client.

    The server treats STDIN and STDOUT as synonyms, after FROM and after TO.
    """
    return words[:1] == ("COPY",) and _has_pair(words, "FROM")


def to_client(words: tuple[str, ...]) -> bool:
    """Whether a statement with these words is a COPY that writes to the client."""
    return words[:1] == ("COPY",) and _has_pair(words, "TO")


def _has_pair(words: tuple[str, ...], way: str) -> bool:
    return any(pair in {(way, "STDIN"), (way, "STDOUT")} for pair in pairwise(words))


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, both from 1, of a character offset from 0."""
    line, start = 1, 0
    for newline in NEWLINE.finditer(text, 0, offset):
        line, start = line + 1, newline.end()
    return line, offset - start + 1


def line_at(text: str, offset: int) -> tuple[str, int]:
    """Return the line at an offset, without its line end, and the offset's index in that line."""
    _, column = line_and_column(text, offset)
    start = offset - column + 1
    newline = NEWLINE.search(text, offset)
    return text[start : newline.start() if newline else len(text)], column - 1


def tokens_of(text: str, statement: Statement) -> Iterator[str]:
    """Yield the significant tokens of a statement in upper case."""
    return (token.upper() for token in significant_tokens(text, statement.start, statement.end))


def significant_tokens(text: str, position: int, end: int) -> Iterator[str]:
    """Yield the tokens of a span without white space and comments, unquoted words in lower case.

    Between two string constants it yields ``joined`` if the server concatenates them, else
    ``apart``.
    """
    before, last_end = "", position
    while position < end:
        kind, start, position = next_token(text, position)
        if kind in BLANKS:
            continue
        if kind in _STRINGS and before in _STRINGS:
            yield "joined" if CONTINUATION.match(text, last_end) else "apart"
        if kind == "word":
            # str.lower() would also fold non-ASCII letters, which the server does not in UTF-8.
            yield _CAPITALS.sub(lambda match: match[0].lower(), text[start:position])
        elif kind == "escape":
            yield re.sub(rf"'{CONTINUATION.pattern}", "'\n'", text[start:position])
        else:
            yield text[start:position]
        before, last_end = kind, position
