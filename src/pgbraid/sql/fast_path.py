"""Finds the end of an ordinary statement in one step of the regular-expression engine.

Most statements of a migration hold nothing that needs the rules of :mod:`pgbraid.sql.lexer`
token by token: words, numbers, brackets, plain strings, dollar quotes, line comments. Those are
matched whole, at hundreds of megabytes a second. Anything else is not matched, and the lexer
takes it: what could hold semicolons in brackets or in a routine's body, psql's meta-commands,
COPY, whatever begins or ends a transaction or sets something, backslashes and block comments.
"""

from __future__ import annotations

import re

__all__ = ["match_plain_statement", "skip_blanks"]

_BLANKS = re.compile(r"(?:[ \t\n\r\f\v]++|--[^\n\r]*+)*+")
_WORD = r"[A-Za-z_][A-Za-z0-9_]*+(?![$]|[^\x00-\x7f])"
_NAME = r"[^\x00-/:-@\[-^`{-\x7f]"  # letters, digits, underscore, and all beyond ASCII
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
_HEAD = re.compile(rf"{_WORD}(?:[ \t\n\r\f\v]++{_WORD}){{0,5}}+")


def skip_blanks(text: str, position: int) -> int:
    """Return where white space and line comments that begin at ``position`` end."""
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def match_plain_statement(text: str, start: int) -> tuple[int, tuple[str, ...]] | None:
    """Return the offset behind an ordinary statement's semicolon, and its first words.

    The words, at most six and upper-case, end at the first thing that is none. None where the
    statement that begins at ``start`` is not ordinary, or has no semicolon.
    """
    match = _ORDINARY.match(text, start)
    if match is None:
        return None
    if match["routine"] and _ATOMIC.search(text, start, match.end()):
        return None
    head = _HEAD.match(text, start)
    return match.end(), tuple(head[0].upper().split()) if head else ()
