"""Reads a migration's text as the tool that it was written for runs it.

Some tools keep both directions in one file, separated by comments, and mark in a comment that a
file runs outside a transaction. pgbraid runs the up section of such a file and ignores the rest.
Sources: goose ``internal/sqlparser``, dbmate ``pkg/dbmate/migration.go``, sql-migrate
``sqlparse``, tern ``migrate``, node-pg-migrate ``migration.ts``, sqlx ``migrate/migration.rs``,
Atlas' "Migration Directives".
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.sql.directives import head_comments, read_directives

if TYPE_CHECKING:
    from pgbraid.model.migration import Directives

__all__ = ["UpSections", "directives_of", "split_sections", "up_sections"]

_SQLX = "-- no-transaction"
_SECTIONED = ("+goose", "migrate:up", "+migrate", "drop below", "migration")
"""Each text with sections has one of these, in lower case."""
_BLANKS = frozenset({"space", "comment", "block"})
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_VISIBLE = re.compile(r"[^\r\n]")
_UP = re.compile(
    r"(?:--[ \t]*\+goose[ \t]+up|--[ \t]*migrate:up\b.*|--[ \t]+\+migrate[ \t]+up\b.*"
    r"|[ \t]*--[ \t-]*up[ \t]+migration)\s*",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"(?:--[ \t]*\+goose[ \t]+down|--[ \t]*migrate:down\b.*|--[ \t]+\+migrate[ \t]+down\b.*"
    r"|[ \t]*--[ \t-]*down[ \t]+migration)\s*",
    re.IGNORECASE,
)
_SEPARATOR = "---- create above / drop below ----"
"""The mark of tern. The text below it is the down section, with any text above it.

It counts on a line of its own: elsewhere, it may be part of a value.
"""
_LONGEST_MARK = 200
_MARK = re.compile(
    r"--[ \t]*(?:\+goose\b(?![ \t]+envsub)|\+migrate\b|migrate:(?:up|down)\b|--[ \t]*tern:"
    r"|[ \t-]*(?:up|down)[ \t]+migration\s*$)",
    re.IGNORECASE,
)
"""Any mark of a tool with sections, except those that change the text."""
_UNREAD_DOWN = re.compile(
    r"^[ \t]*--[ \t-]*(?:(?:\+goose[ \t]+|\+migrate[ \t]+|migrate:)down|down[ \t]+migration)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""What may be a mark of a down section that does not count."""
_NO_TRANSACTION = re.compile(
    r"--[ \t]*(?:\+goose[ \t]+no[ \t]+transaction\s*$|migrate:up\b.*\btransaction:false\b"
    r"|\+migrate[ \t]+up\b.*\bnotransaction\b|atlas:txmode[ \t]+none\s*$"
    r"|--[ \t]*tern:[ \t]*disable-tx\b)",
    re.IGNORECASE,
)


def directives_of(text: str) -> Directives:
    """Return the directives of a text, with those that another tool's marks or its statement imply.

    A text whose single statement has CONCURRENTLY or is VACUUM, and that PostgreSQL rejects inside
    a transaction block, runs outside one, as each tool that sends a file as one query runs it.
    """
    directives = read_directives(text)
    if directives.no_transaction or directives.isolation is not None or directives.replaces:
        return directives  # a baseline is large and transactional, so it is not searched for marks
    # Further down, such a line may be part of a value.
    marked = any(map(_NO_TRANSACTION.match, head_comments(text)))
    if marked or text.startswith(_SQLX) or _runs_alone(text):
        return replace(directives, no_transaction=True)
    return directives


def _runs_alone(text: str) -> bool:
    text = up_sections(text).removeprefix("\ufeff")
    if not any(word in text.lower() for word in ("concurrently", "vacuum")):
        return False
    # The lexer and the parser are imported only for the few files with such a word.
    from pgbraid.sql.classify import nontransactional_command  # noqa: PLC0415
    from pgbraid.sql.lexer import next_token  # noqa: PLC0415
    from pgbraid.sql.parser import parse  # noqa: PLC0415

    position, ended = 0, False
    while position < len(text):
        kind, _, position = next_token(text, position)
        if kind in {"meta", "unterminated"} or (ended and kind not in {*_BLANKS, "semicolon"}):
            return False
        ended = ended or kind == "semicolon"
    script = parse(text)
    statements = [nontransactional_command(script, s) for s in script.statements]
    return len(statements) == 1 and statements[0] is not None


def up_sections(text: str) -> str:
    """Return the text with spaces instead of its down sections, so that positions stay the same."""
    lower = text.lower()
    if not any(mark in lower for mark in _SECTIONED):
        return text
    sections = UpSections()
    return sections.take(text) + sections.end()


def split_sections(text: str) -> tuple[str, str]:
    """Return the up and the down sections of a text, without the marks of the tool.

    A text with a mark that does not count stays whole, so that it is refused or runs as before.
    """
    if _UNREAD_DOWN.search(up_sections(text)):
        return text, ""
    sections, parts = UpSections(), {False: list[str](), True: list[str]()}
    for line in _LINE.findall(text):
        sections.take_line(line)
        if not (_MARK.match(line.lstrip("\ufeff")) or _is_separator(line)):
            parts[sections.is_down].append(line)
    return "".join(parts[False]), "".join(parts[True])


def _before_marks(line: str, *, in_block: bool) -> str:
    """Return the state after a line that stands before the first mark."""
    if not in_block and not line.startswith("/*"):
        return "start" if line.startswith("--") else "plain"
    if "*/" not in line:
        return "block"
    return "start" if line.endswith("*/") else "plain"


def _is_separator(line: str) -> bool:
    return line.strip("\ufeff \t\r\n") == _SEPARATOR


class UpSections:
    """Replaces the down sections of a text by spaces, while the text is read in chunks.

    A mark counts only on a line of its own, and if only comments stand before the first mark:
    SQL before it shows that the comment is an ordinary one. The separator of tern needs no mark
    before it.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def take(self, chunk: str) -> str:
        """Return the text up to the last line that is complete."""
        text = self._held + chunk
        complete = text.rfind("\n") + 1
        if len(text) - complete > _LONGEST_MARK:  # no mark is that long
            complete = len(text)
        self._held = text[complete:]
        return self._read(text[:complete])

    def end(self) -> str:
        """Return the last line."""
        rest, self._held = self._held, ""
        return self._read(rest)

    def _read(self, text: str) -> str:
        if self._state == "plain" and _SEPARATOR not in text:
            return text
        return "".join(map(self.take_line, _LINE.findall(text)))

    @property
    def is_down(self) -> bool:
        """Whether the last line belongs to a down section."""
        return self._state in {"down", "below"}

    def take_line(self, line: str) -> str:
        """Return a line, or spaces instead of it."""
        mark = line.lstrip("\ufeff")
        if _is_separator(line):
            self._state = "below"
        elif self._state in {"start", "up", "down"} and _UP.fullmatch(mark):
            self._state = "up"
        elif self._state == "up" and _DOWN.fullmatch(mark):
            self._state = "down"
        elif self._state in {"start", "block"} and mark.strip():
            self._state = _before_marks(mark.strip(), in_block=self._state == "block")
        return _VISIBLE.sub(" ", line) if self.is_down else line
