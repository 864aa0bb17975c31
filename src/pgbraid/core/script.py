"""A migration's text: its statements with their places, and what is sent of it to the server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pgbraid.core.lexer import CONTINUATION, next_token
from pgbraid.core.plain import blanks, ordinary

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DIRECTIVE",
    "Meta",
    "Script",
    "Segment",
    "Statement",
    "from_client",
    "line_at",
    "normalise",
    "parse",
    "place",
    "significant",
    "to_client",
    "tokens_of",
]

_BOM = "\ufeff"
_NEWLINE = re.compile(r"\r\n|\n|\r")
_COPY_END = re.compile(r"^\\\.\r?$", re.MULTILINE)
_BLANKS = frozenset({"space", "comment", "block"})
_STRINGS = frozenset({"string", "escape"})
_CAPITALS = re.compile(r"[A-Z]+")
_DIRECTING = re.compile(
    r"--[ \t]*(?:pgbraid:|\+goose|\+migrate|migrate:down|create above)", re.IGNORECASE
)
DIRECTIVE = re.compile(r"--[ \t]*pgbraid:[ \t]*(?P<text>[^\r\n]*)")
"""A comment that directs pgbraid."""
_HEAD = 6
_KEPT_WHOLE = frozenset({"COPY", "BEGIN", "START", "COMMIT", "END"})
_COMMITS = frozenset(
    (first, *kind, *tail)
    for first in ("COMMIT", "END")
    for kind in ((), ("WORK",), ("TRANSACTION",))
    for tail in ((), ("AND", "NO", "CHAIN"))
)
_NO_CASE = frozenset({",", ";", ")", "FROM", "INTO", "WHERE", "GROUP", "HAVING", "ORDER"}) | {
    *("LIMIT", "UNION", "EXCEPT", "FOR"),
}
"""What follows a column label, and never the CASE of an expression."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's span without its semicolon, and its first words, upper-case.

    ``words`` holds the first six outside brackets, of COPY and what begins or ends a
    transaction all, of an ordinary statement those before anything else; ``data`` is the span
    of inline COPY data; ``rest`` is where the text goes on behind the statement and its data.
    """

    start: int
    end: int
    words: tuple[str, ...]
    rest: int
    data: tuple[int, int] | None = None
    trailing: int | None = None
    """Where other text follows a COPY … FROM STDIN on its line, which is refused."""


@dataclass(frozen=True, slots=True)
class Meta:
    """A psql meta-command: its name with the backslash, and its span to the end of the line."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """What goes to the server at once: SQL as it stands, or one COPY with its data.

    ``offset`` is where ``sql`` begins in the script's text; ``starts`` are the starts of its
    statements in that text, in order.
    """

    sql: str
    offset: int
    starts: tuple[int, ...]
    data: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A migration's text without a byte-order mark, taken apart.

    ``comments`` are the spans of ``--`` comments, where one of them may direct pgbraid or
    another tool, and else none; ``unterminated`` is where a quote or comment begins that never
    ends.
    """

    text: str
    statements: tuple[Statement, ...] = ()
    metas: tuple[Meta, ...] = ()
    comments: tuple[tuple[int, int], ...] = ()
    unterminated: int | None = None

    @property
    def wrapped(self) -> bool:
        """Whether the whole script stands in one BEGIN … COMMIT."""
        if len(self.statements) <= 1 or not _opens(self.statements[0]):
            return False
        return tuple(tokens_of(self.text, self.statements[-1])) in _COMMITS

    def segments(self) -> tuple[Segment, ...]:
        """Return what is sent, in order; a wrapping BEGIN … COMMIT is blanked out.

        Every other character stays where it was, so that the server's positions are the
        file's.
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
        spans = [(meta.start, meta.end) for meta in self.metas]
        if self.wrapped:
            spans += [(s.start, s.rest) for s in (self.statements[0], self.statements[-1])]
        return spans


def _opens(statement: Statement) -> bool:
    return statement.words[:1] == ("BEGIN",) or statement.words[:2] == ("START", "TRANSACTION")


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
    return Segment(text[copy.start : copy.end], copy.start, (copy.start,), text[slice(*data)])


def from_client(words: tuple[str, ...]) -> bool:
    """Whether a statement of these words is a COPY that reads from the client.

    The server takes STDIN and STDOUT for the same thing on either side.
    """
    return words[:1] == ("COPY",) and _has_pair(words, "FROM")


def to_client(words: tuple[str, ...]) -> bool:
    """Whether a statement of these words is a COPY that writes to the client."""
    return words[:1] == ("COPY",) and _has_pair(words, "TO")


def _has_pair(words: tuple[str, ...], way: str) -> bool:
    return any(pair in {(way, "STDIN"), (way, "STDOUT")} for pair in pairwise(words))


def parse(text: str) -> Script:
    """Take a text apart by the server's lexical rules; it never fails."""
    text = text.removeprefix(_BOM)
    reader = _Reader(text)
    statements = tuple(reader.statements())
    return Script(
        text, statements, tuple(reader.metas), tuple(reader.comments), reader.unterminated
    )


class _Reader:
    """Walks one text; it gathers on the way what does not belong to a statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.metas: list[Meta] = []
        self.comments: list[tuple[int, int]] = []
        self.unterminated: int | None = None
        self._by_token = _DIRECTING.search(text) is not None

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        position = 0
        while position < len(self.text):
            position = position if self._by_token else blanks(self.text, position)
            whole = None if self._by_token else ordinary(self.text, position)
            if whole is not None:
                rest, words = whole
                end = position + len(self.text[position : rest - 1].rstrip())
                found.append(Statement(position, end, words, rest))
                position = rest
                continue
            statement, position = self._statement(position)
            if statement is not None:
                found.append(statement)
                position = statement.rest
        return found

    def _statement(self, position: int) -> tuple[Statement | None, int]:
        start = end = None
        words = _Words()
        while position < len(self.text):
            kind, begin, position = next_token(self.text, position)
            if kind in _BLANKS:
                if kind == "comment":
                    self.comments.append((begin, position))
                continue
            if kind == "meta":
                position = self._meta(begin, position)
                continue
            if kind == "unterminated":
                self.unterminated = begin
            words.take(kind, self.text[begin:position])
            if kind == "semicolon" and words.outside:
                break
            start, end = (begin if start is None else start), position
        if start is None or end is None:
            return None, position
        return self._ended(Statement(start, end, words.seen, position)), position

    def _meta(self, start: int, position: int) -> int:
        name = self.text[start:position]
        newline = _NEWLINE.search(self.text, position)
        end = newline.start() if newline else len(self.text)
        self.metas.append(Meta(name, start, end))
        return end

    def _ended(self, statement: Statement) -> Statement:
        """Give a COPY … FROM STDIN the data that follows its line."""
        words = statement.words
        if not from_client(words):
            return statement
        newline = _NEWLINE.search(self.text, statement.rest)
        first = newline.end() if newline else len(self.text)
        line = self.text[statement.rest : newline.start() if newline else first].strip()
        close = _COPY_END.search(self.text, first)
        last, rest = (close.start(), close.end()) if close else (len(self.text),) * 2
        odd = statement.rest if line and not line.startswith("--") else None
        return Statement(statement.start, statement.end, words, rest, (first, last), odd)


class _Words:
    """Counts brackets and BEGIN ATOMIC bodies of one statement, and keeps its words."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._depth = 0
        self._atomic = 0
        self._last = ""
        self._maybe_case = False

    @property
    def seen(self) -> tuple[str, ...]:
        return tuple(self._words)

    @property
    def outside(self) -> bool:
        return self._depth <= 0 and self._atomic == 0

    def take(self, kind: str, text: str) -> None:
        word = text.upper() if kind == "word" else text
        if self._depth <= 0:
            self._routine_body(word)
            if kind == "word" and (len(self._words) < _HEAD or self._words[0] in _KEPT_WHOLE):
                self._words.append(word)
        self._depth += {"open": 1, "close": -1}.get(kind, 0)
        self._last = word

    def _routine_body(self, word: str) -> None:
        """Follow BEGIN ATOMIC … END of a routine, whose statements end in semicolons too.

        CASE and END are also names of columns: behind AS, behind a dot, and, for CASE, where
        no expression follows. The END of the body stands behind a semicolon.
        """
        if self._maybe_case:
            self._atomic += word not in _NO_CASE
            self._maybe_case = False
        if not self._atomic:
            routine = {"FUNCTION", "PROCEDURE"}.intersection(self._words[1:4])
            if word == "ATOMIC" and self._last == "BEGIN" and self._words[:1] == ["CREATE"]:
                self._atomic = 1 if routine else 0
        elif self._last not in {"AS", "."}:
            if word == "CASE":
                self._maybe_case = True
            elif word == "END" and (self._atomic > 1 or self._last in {";", "ATOMIC"}):
                self._atomic -= 1


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, both from 1, of a character offset from 0."""
    line, start = 1, 0
    for newline in _NEWLINE.finditer(text, 0, offset):
        line, start = line + 1, newline.end()
    return line, offset - start + 1


def line_at(text: str, offset: int) -> tuple[str, int]:
    """Return the line that holds an offset, without its end, and the offset's index in it."""
    _, column = place(text, offset)
    start = offset - column + 1
    newline = _NEWLINE.search(text, offset)
    return text[start : newline.start() if newline else len(text)], column - 1


def normalise(text: str) -> str:
    """Return the text without a byte-order mark, its lines ended by a line feed."""
    return _NEWLINE.sub("\n", text.removeprefix(_BOM))


def tokens_of(text: str, statement: Statement) -> Iterator[str]:
    """Yield a statement's tokens, words outside quotes in upper case."""
    return (token.upper() for token in _meaning(text, statement.start, statement.end))


def significant(text: str) -> list[str]:
    """Return the tokens that carry meaning; two texts with the same ones do the same.

    Words outside quotes are folded to lower case as the server folds them. COPY data counts
    to the letter, and so does a comment that directs pgbraid.
    """
    script = parse(_NEWLINE.sub("\n", text))
    found = [script.text[start:end] for start, end in script.comments]
    found = [comment for comment in found if DIRECTIVE.match(comment)]
    found += [script.text[meta.start : meta.end] for meta in script.metas]
    for statement in script.statements:
        found += [*_meaning(script.text, statement.start, statement.end), ";"]
        if statement.data:
            found.append(script.text[slice(*statement.data)])
    return found


def _meaning(text: str, position: int, end: int) -> Iterator[str]:
    before, last_end = "", position
    while position < end:
        kind, start, position = next_token(text, position)
        if kind in _BLANKS:
            continue
        if kind in _STRINGS and before in _STRINGS:
            yield "joined" if CONTINUATION.match(text, last_end) else "apart"
        if kind == "word":
            yield _CAPITALS.sub(lambda match: match[0].lower(), text[start:position])
        elif kind == "escape":
            yield re.sub(rf"'{CONTINUATION.pattern}", "'\n'", text[start:position])
        else:
            yield text[start:position]
        before, last_end = kind, position
