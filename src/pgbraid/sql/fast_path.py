"""Matches an ordinary statement whole, with one regular expression.

The lexer (:mod:`pgbraid.sql.lexer`) needs a microsecond per character. Most statements hold only
words, numbers, parentheses, plain strings, dollar quotes and line comments; one regular expression
matches them at hundreds of megabytes per second. All other statements are left to the lexer:
statements with semicolons inside parentheses or a routine body, with backslashes or block comments,
psql meta-commands, COPY, SET, and statements that begin or end a transaction. A property test
compares the results of both.
"""

from __future__ import annotations

import re

__all__ = ["match_plain_statement", "skip_blanks"]

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
_HEAD = re.compile(rf"{_WORD}(?:[ \t\n\r\f\v]++{_WORD}){{0,5}}+")


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
    head = _HEAD.match(text, start)
    return match.end(), tuple(head[0].upper().split()) if head else ()
