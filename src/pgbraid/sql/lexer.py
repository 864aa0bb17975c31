"""The lexical rules of PostgreSQL, as far as they decide where a statement ends.

Source of the rules: the chapter "Lexical Structure" of PostgreSQL's manual, and the behaviour
of psql for where a client may cut. ``standard_conforming_strings`` is on, as pgbraid sets it.
Every repetition is possessive, so that no text takes more time than its length.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["CONTINUATION", "Token", "next_token"]


class Token(NamedTuple):
    """A token: its kind, and its span in characters from the start of the text, from 0.

    Kinds: ``space comment block escape string quoted dollar word number param semicolon open
    close meta mark operator unknown``; what is left open at the text's end is ``unterminated``.
    """

    kind: str
    start: int
    end: int


_START, _REST = r"[^\x00-@\[-^`{-\x7f]", r"[^\x00-/:-@\[-^`{-\x7f]"
"""An identifier's characters, by what is none: a class of a million would take long to compile."""
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
"""What may stand between the parts of one string: white space with a line end, comments."""
_KEEPS_SIGN = frozenset("~!@#%^&|`?")


def next_token(text: str, position: int) -> Token:
    """Return the token that begins at ``position``, which must lie inside the text.

    Called again with each token's end, it covers the text without a hole.
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
    """Return the operator that a run of operator characters begins with.

    It ends in a sign only where it holds a character that no standard operator begins with,
    so that ``=-1`` is ``=`` and ``-1``.
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
    """Return an ``E'…'`` string with its continuations, which keep its rule of backslashes."""
    while match := _ESCAPE_REST.match(text, inside):
        continuation = CONTINUATION.match(text, match.end())
        if continuation is None:
            return Token("escape", start, match.end())
        inside = continuation.end()
    return Token("unterminated", start, len(text))
