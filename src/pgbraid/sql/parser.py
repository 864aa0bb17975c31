"""Parses a migration's text into statements, by the server's lexical rules."""

from __future__ import annotations

import re
from dataclasses import replace

from pgbraid.sql.directives import DIRECTIVE
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

__all__ = ["match_plain_statement", "normalized_tokens", "parse", "skip_blanks"]

_BOM = "\ufeff"
_COPY_END = re.compile(r"^\\\.(?=\r?$)", re.MULTILINE)
_DIRECTING = re.compile(
    r"--[ \t]*(?:pgbraid:|\+goose|\+migrate|migrate:down|atlas:|[ \t-]{0,80}down[ \t]+migration"
    r"|-- create above / drop below)",
    re.IGNORECASE,
)
_HEAD = 6
"""The number of words recorded of a statement, unless it is one of _KEPT_WHOLE."""
_KEPT_WHOLE = frozenset({"COPY", "BEGIN", "START", "COMMIT", "END"})
_NO_CASE = frozenset({",", ";", ")", "FROM", "INTO", "WHERE", "GROUP", "HAVING", "ORDER"}) | {
    *("LIMIT", "OFFSET", "FETCH", "FOR", "UNION", "EXCEPT", "INTERSECT", "WINDOW"),
}
"""Tokens that may follow a column named CASE, and never the CASE of an expression."""


def parse(text: str, *, whole: bool = True, marked: bool = True) -> Script:
    """Split a text into statements, meta-commands and comments. Never raises.

    If the text is not the ``whole`` file, the part after its last semicolon is not parsed. A
    leading byte-order mark is removed if ``marked``; in the middle of a file it is an ordinary
    character.
    """
    text = text.removeprefix(_BOM) if marked else text
    reader = _Parser(text, whole=whole)
    statements = tuple(reader.statements())
    return Script(
        text, statements, tuple(reader.metas), tuple(reader.comments), reader.unterminated
    )


def normalized_tokens(text: str) -> list[str]:
    """Return the significant tokens of a text; texts with equal tokens have the same effect.

    Words outside quotes are folded to lower case as the server folds them. COPY data and
    directives are included unchanged.
    """
    script = parse(NEWLINE.sub("\n", text))
    comments = (script.text[start:end] for start, end in script.comments)
    tokens = [comment for comment in comments if DIRECTIVE.match(comment)]
    tokens += [script.text[meta.start : meta.end] for meta in script.metas]
    for statement in script.statements:
        tokens += [*significant_tokens(script.text, statement.start, statement.end), ";"]
        if statement.data:
            tokens.append(script.text[slice(*statement.data)])
    return tokens


class _Parser:
    """Parses one text; collects meta-commands and comments beside the statements."""

    def __init__(self, text: str, *, whole: bool) -> None:
        self.text = text
        self._end = len(text) if whole else text.rfind(";") + 1
        self.metas: list[MetaCommand] = []
        self.comments: list[tuple[int, int]] = []
        self.unterminated: int | None = None
        # The fast path skips comments. If a comment may be a directive or a down section, all
        # comments must be recorded, so the whole text goes through the lexer.
        self._by_token = _DIRECTING.search(text) is not None

    def statements(self) -> list[Statement]:
        statements: list[Statement] = []
        position = 0
        while position < self._end:
            position = position if self._by_token else skip_blanks(self.text, position)
            whole = None if self._by_token else match_plain_statement(self.text, position)
            if whole is not None:
                rest, words = whole
                end = position + len(self.text[position : rest - 1].rstrip())
                statements.append(Statement(position, end, words, rest))
                position = rest
                continue
            statement, position = self._statement(position)
            if statement is not None:
                statements.append(statement)
                position = statement.rest
        return statements

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
        statement = Statement(start, end, words.seen, position, closed=closed)
        return self._with_copy_data(statement), position

    def _meta(self, start: int, position: int) -> int:
        name = self.text[start:position]
        newline = NEWLINE.search(self.text, position)
        end = newline.start() if newline else len(self.text)
        self.metas.append(MetaCommand(name, start, end))
        return end

    def _with_copy_data(self, statement: Statement) -> Statement:
        """Return a COPY … FROM STDIN with its data; return any other statement unchanged."""
        words = statement.words
        if not from_client(words):
            return statement
        newline = NEWLINE.search(self.text, statement.rest)
        first = newline.end() if newline else len(self.text)
        # psql reads the data from the line after the COPY; other text on its own line is refused.
        line = self.text[statement.rest : newline.start() if newline else first].strip()
        close = _COPY_END.search(self.text, first)
        last, rest = (close.start(), close.end()) if close else (len(self.text),) * 2
        odd = statement.rest if line and not line.startswith("--") else None
        return replace(statement, rest=rest, data=(first, last), trailing=odd)


class _StatementScanner:
    """Tracks parentheses and BEGIN ATOMIC bodies of one statement, and records its words."""

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
        """Track the nesting of BEGIN ATOMIC … END, whose statements also end in semicolons.

        CASE and END can also be column names: after AS, after a dot, and CASE also if no
        expression follows. The END that closes the body follows a semicolon or ATOMIC.
        """
        # Only the token after CASE shows whether CASE was a column name or an expression.
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


# The fast path: one regular expression matches an ordinary statement whole. The lexer needs a
# microsecond per character. Most statements hold only words, numbers, parentheses, plain strings,
# dollar quotes and line comments, and are matched at hundreds of megabytes per second. All other
# statements are left to the lexer: statements with semicolons inside parentheses or a routine body,
# with backslashes or block comments, psql meta-commands, COPY, SET, and statements that begin or
# end a transaction. A property test compares the results of both.
_BLANKS = re.compile(r"(?:[ \t\n\r\f\v]++|--[^\n\r]*+)*+")
_WORD = r"[A-Za-z_][A-Za-z0-9_]*+(?![$]|[^\x00-\x7f])"
_NAME = r"[^\x00-/:-@\[-^`{-\x7f]"  # letters, digits, underscore, and every non-ASCII character
_SPACE = "[ \t\n\r]++"
_PLAIN_KINDS = (
    r"INSERT|UPDATE|DELETE|TRUNCATE|SELECT|WITH|VALUES|GRANT|REVOKE|COMMENT|DO|DROP",
    rf"ALTER(?!{_SPACE}TYPE)",
    rf"CREATE{_SPACE}(?:UNIQUE{_SPACE})?+(?:TABLE|INDEX|SEQUENCE|TYPE|EXTENSION|DOMAIN|SCHEMA)",
    rf"CREATE{_SPACE}(?:OR{_SPACE}REPLACE{_SPACE}|MATERIALIZED{_SPACE})?+(?:VIEW|TRIGGER|POLICY)",
    rf"CREATE{_SPACE}(?:OR{_SPACE}REPLACE{_SPACE})?+(?P<routine>FUNCTION|PROCEDURE)",
)
_ORDINARY = re.compile(
    rf"""
    (?i:{"|".join(_PLAIN_KINDS)}) (?!\$|{_NAME})
    (?:
        [^;'"$\\/\-]++
      | '(?:[^'\\]++|'')*+'
      | "[^"]*+"
      | -(?!-) | --[^\n\r]*+
      | /(?!\*)
      | (?<!\$)(?<!{_NAME})
        (?P<tag>\$(?:[A-Za-z_][A-Za-z0-9_]*+)?+\$)(?s:.*?)(?P=tag)
    )*+ ;
    """,
    re.VERBOSE,
)
_ATOMIC = re.compile(r"\bATOMIC\b", re.IGNORECASE)
_ROUTINE_HEAD = re.compile(rf"{_WORD}(?:[ \t\n\r\f\v]++{_WORD}){{0,5}}+")


def skip_blanks(text: str, position: int) -> int:
    """Return the offset after the white space and line comments at ``position``."""
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def match_plain_statement(text: str, start: int) -> tuple[int, tuple[str, ...]] | None:
    """Return the offset after an ordinary statement's semicolon, and its first words.

    The words are upper-case, at most six, and end at the first token that is not a word. Return
    None if the statement at ``start`` is not ordinary or has no semicolon.
    """
    match = _ORDINARY.match(text, start)
    if match is None:
        return None
    # A BEGIN ATOMIC body holds semicolons outside any quotes.
    if match["routine"] and _ATOMIC.search(text, start, match.end()):
        return None
    head = _ROUTINE_HEAD.match(text, start)
    return match.end(), tuple(head[0].upper().split()) if head else ()
