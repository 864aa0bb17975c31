"""Splits SQL into tokens by PostgreSQL's lexical rules, as far as they decide where statements end.

The rules come from the chapter "Lexical Structure" of PostgreSQL's manual, and from psql for the
places where a client splits a script. They assume ``standard_conforming_strings = on``, which
pgbraid sets. Every repetition in the patterns is possessive, so the time is linear in the length of
the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["CONTINUATION", "Token", "next_token"]


class Token(NamedTuple):
    """A token: its kind, and its span as character offsets (from 0) in the text.

    Kinds: ``space comment block escape string quoted dollar word number param semicolon open
    close meta mark operator unknown``. A quote or comment without an end is ``unterminated``.
    """

    kind: str
    start: int
    end: int


_START, _REST = r"[^\x00-@\[-^`{-\x7f]", r"[^\x00-/:-@\[-^`{-\x7f]"
"""Characters of an identifier, as negated classes: they compile faster than a million members."""
_EXPONENT = r"(?:[eE][+-]?[0-9]++)"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\r\f\v]++)
    | (?P<comment>--[^\n\r]*+)
    | (?P<block>/\*)
    | (?P<escape>[eE]')
    | (?P<string>(?:[bBxXnN]|[uU]&)?'[^']*+(?:''[^']*+)*+')
    | (?P<quoted>(?:[uU]&)?"[^"]*+(?:""[^"]*+)*+")
    | (?P<dollar>\$(?:{_START}{_REST}*+)?\$)
    | (?P<word>{_START}(?:{_REST}|\$)*+)
    | (?P<number>[0-9][0-9_]*+(?:\.(?!\.)[0-9_]*+)?{_EXPONENT}?[0-9A-Za-z_]*+
               | \.[0-9][0-9_]*+{_EXPONENT}?)
    | (?P<param>\$[0-9]++)
    | (?P<semicolon>;)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<meta>\\[^\s\\]*+)
    | (?P<mark>::|:=|\.\.|[,.:\[\]{{}}])
    | (?P<operator>(?:(?!--|/\*)[-+*/<>=~!@#%^&|`?])++)
    | (?P<unterminated>['"])
    | (?P<unknown>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ESCAPE_REST = re.compile(r"(?:[^'\\]++|\\.|'')*+'", re.DOTALL)
CONTINUATION = re.compile(
    r"(?:[ \t\f\v]++|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]++|--[^\n\r]*+[\n\r])*+'"
)
"""Separates the parts of one string constant: white space with at least one newline, comments."""
_KEEPS_SIGN = frozenset("~!@#%^&|`?")


def next_token(text: str, position: int) -> Token:
    """Return the token that begins at ``position``, which must lie inside the text.

    Tokens are contiguous: each token's end is the position of the next one.
    """
    match = _TOKEN.match(text, position)
    assert match is not None  # noqa: S101 - the last alternative takes any character
    kind, end = str(match.lastgroup), match.end()
    if kind == "block":
        return _block_comment(text, position)
    if kind == "escape":
        return _escape_string(text, position, end)
    if kind == "dollar":
        close = text.find(match[0], end)
        return _closed("dollar", position, close + len(match[0]) if close >= 0 else -1, text)
    if kind == "operator":
        end = position + len(_operator(match[0]))
    elif kind == "unterminated":
        end = len(text)
    return Token(kind, position, end)


def _operator(run: str) -> str:
    """Return the operator at the beginning of a run of operator characters.

    An operator may end in + or - only if it also holds one of ``~ ! @ # % ^ & | ` ?``, so ``=-1``
    is ``=`` and ``-1``.
    """
    while len(run) > 1 and run[-1] in "+-" and not _KEEPS_SIGN.intersection(run):
        run = run[:-1]
    return run


def _closed(kind: str, start: int, end: int, text: str) -> Token:
    return Token(kind, start, end) if end >= 0 else Token("unterminated", start, len(text))


def _block_comment(text: str, start: int) -> Token:
    depth = 0
    for match in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return Token("block", start, match.end())
    return Token("unterminated", start, len(text))


def _escape_string(text: str, start: int, inside: int) -> Token:
    """Return an ``E'…'`` string with its continuations, in which backslashes escape too."""
    while match := _ESCAPE_REST.match(text, inside):
        continuation = CONTINUATION.match(text, match.end())
        if continuation is None:
            return Token("escape", start, match.end())
        inside = continuation.end()
    return Token("unterminated", start, len(text))
