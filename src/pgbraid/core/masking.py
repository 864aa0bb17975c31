"""Finds the passwords in SQL, so that no message, excerpt or diff shows one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.core.lexer import next_token

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mask", "secrets_in"]

_NAMES = frozenset({"password", "passwd", "secret", "passphrase", "sslpassword"})
_QUOTED = frozenset({"string", "escape", "dollar", "unterminated"})
_BLANKS = frozenset({"space", "comment", "block"})
_INSIDE = re.compile(
    r"(?:\b(?:password|passwd|secret)\s*=\s*(?P<value>[^\s'\"&;]+))"
    r"|(?:://[^\s/:@]*:(?P<userinfo>[^\s@]+)@)",
    re.IGNORECASE,
)
_BETWEEN = frozenset({"=", "=>", ":", ",", ":="})
_DOLLARS = re.compile(r"^\$[^$]*\$|\$[^$]*\$$")
_SHORTEST = 3
_DEEPEST = 4


def secrets_in(text: str, depth: int = 0) -> tuple[str, ...]:
    """Return the password literals of a text of SQL, the longest first.

    A literal is one where the word PASSWORD, or a name that ends in it, stands before it; a
    connection string is searched for its own; a quoted body is searched like the text.
    """
    found: set[str] = set()
    for name, kind, quoted in _literals(text):
        body = _body(quoted)
        if name.strip("'\"").rpartition(".")[2].lower() in _NAMES:
            found |= {body, *re.split(r"[\s;'\"]+", body)}
        found |= {m["value"] or m["userinfo"] for m in _INSIDE.finditer(body)}
        if depth < _DEEPEST and len(body) < len(text):
            inner = body if kind == "dollar" else body.replace("''", "'")
            found |= set(secrets_in(inner, depth + 1))
    return tuple(sorted((s for s in found if len(s) >= _SHORTEST), key=len, reverse=True))


def _literals(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield every quoted piece: the name it is given to, its kind, itself.

    The name is the word before it, or before the comma, and of the parts of one string the
    first one's.
    """
    before = name = kind = ""
    position = 0
    while position < len(text):
        last, (kind, start, position) = kind, next_token(text, position)
        piece = text[start:position]
        if kind in _BLANKS or piece in _BETWEEN:
            kind = last if kind in _BLANKS else kind
            continue
        if kind in _QUOTED:
            name = name if last in _QUOTED else before
            yield name, kind, piece
        before = piece


def _body(quoted: str) -> str:
    """Return what stands between the quotes."""
    if quoted.startswith("$"):
        return _DOLLARS.sub("", quoted)
    return quoted.partition("'")[2].removesuffix("'")


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text with every secret's letters as asterisks, so that its length stays."""
    for secret in secrets:
        text = text.replace(secret, "*" * len(secret))
    return text
