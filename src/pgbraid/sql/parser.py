"""Takes a migration's text apart by the server's lexical rules."""

from __future__ import annotations

import re
from dataclasses import replace

from pgbraid.sql.directives import DIRECTIVE
from pgbraid.sql.fast_path import match_plain_statement, skip_blanks
from pgbraid.sql.lexer import next_token
from pgbraid.sql.script import (
    BLANKS,
    NEWLINE,
    MetaCommand,
    Script,
    Statement,
    from_client,
    significant_tokens,
)

__all__ = ["normalized_tokens", "parse"]

_BOM = "\ufeff"
_COPY_END = re.compile(r"^\\\.(?=\r?$)", re.MULTILINE)
_DIRECTING = re.compile(
    r"--[ \t]*(?:pgbraid:|\+goose|\+migrate|migrate:down|create above)", re.IGNORECASE
)
_HEAD = 6
_KEPT_WHOLE = frozenset({"COPY", "BEGIN", "START", "COMMIT", "END"})
_NO_CASE = frozenset({",", ";", ")", "FROM", "INTO", "WHERE", "GROUP", "HAVING", "ORDER"}) | {
    *("LIMIT", "OFFSET", "FETCH", "FOR", "UNION", "EXCEPT", "INTERSECT", "WINDOW"),
}
"""What follows a column label, and never the CASE of an expression."""


def parse(text: str, *, whole: bool = True, marked: bool = True) -> Script:
    """Take a text apart by the server's lexical rules; it never fails.

    Of a text that is not the ``whole``, what cannot hold the end of a statement is left out. A
    byte-order mark at its beginning is taken away, unless the text is not ``marked``: one in the
    middle of a file is a character as any other.
    """
    text = text.removeprefix(_BOM) if marked else text
    reader = _Parser(text, whole=whole)
    statements = tuple(reader.statements())
    return Script(
        text, statements, tuple(reader.metas), tuple(reader.comments), reader.unterminated
    )


def normalized_tokens(text: str) -> list[str]:
    """Return the tokens that carry meaning; two texts with the same ones do the same.

    Words outside quotes are folded to lower case as the server folds them. COPY data counts
    to the letter, and so does a comment that directs pgbraid.
    """
    script = parse(NEWLINE.sub("\n", text))
    found = [script.text[start:end] for start, end in script.comments]
    found = [comment for comment in found if DIRECTIVE.match(comment)]
    found += [script.text[meta.start : meta.end] for meta in script.metas]
    for statement in script.statements:
        found += [*significant_tokens(script.text, statement.start, statement.end), ";"]
        if statement.data:
            found.append(script.text[slice(*statement.data)])
    return found


class _Parser:
    """Walks one text; it gathers on the way what does not belong to a statement."""

    def __init__(self, text: str, *, whole: bool) -> None:
        self.text = text
        self._end = len(text) if whole else text.rfind(";") + 1
        self.metas: list[MetaCommand] = []
        self.comments: list[tuple[int, int]] = []
        self.unterminated: int | None = None
        self._by_token = _DIRECTING.search(text) is not None

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        position = 0
        while position < self._end:
            position = position if self._by_token else skip_blanks(self.text, position)
            whole = None if self._by_token else match_plain_statement(self.text, position)
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
        closed = False
        words = _StatementScanner()
        while position < len(self.text):
            kind, begin, position = next_token(self.text, position)
            if kind in BLANKS:
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
                closed = True
                break
            start, end = (begin if start is None else start), position
        if start is None or end is None:
            return None, position
        found = Statement(start, end, words.seen, position, closed=closed)
        return self._ended(found), position

    def _meta(self, start: int, position: int) -> int:
        name = self.text[start:position]
        newline = NEWLINE.search(self.text, position)
        end = newline.start() if newline else len(self.text)
        self.metas.append(MetaCommand(name, start, end))
        return end

    def _ended(self, statement: Statement) -> Statement:
        """Give a COPY … FROM STDIN the data that follows its line."""
        words = statement.words
        if not from_client(words):
            return statement
        newline = NEWLINE.search(self.text, statement.rest)
        first = newline.end() if newline else len(self.text)
        line = self.text[statement.rest : newline.start() if newline else first].strip()
        close = _COPY_END.search(self.text, first)
        last, rest = (close.start(), close.end()) if close else (len(self.text),) * 2
        odd = statement.rest if line and not line.startswith("--") else None
        return replace(statement, rest=rest, data=(first, last), trailing=odd)


class _StatementScanner:
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
