"""Finds the custom settings (names with a dot) that a text sets.

The server has no list of the custom settings of a session, so pgbraid reads the text to know which
ones to restore behind a pooler.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.sql.lexer import next_token

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["custom_settings_set"]

_MAYBE = re.compile(r"\b(?:set|reset|set_config)\b", re.IGNORECASE)
_BLANK = frozenset({"space", "comment", "block"})
_LITERAL = frozenset({"string", "escape", "dollar"})
_SCOPES = frozenset({"session", "local"})
_PARTS = frozenset({"word", "quoted"})
_DOLLARS = re.compile(r"\$[^$]*\$", re.DOTALL)


def custom_settings_set(text: str) -> frozenset[str]:
    """Return the custom settings that SET, RESET and set_config name in a text, in lower case.

    String literals are searched too, because the body of a DO block is a string literal.
    """
    return frozenset(name for name in _names(text) if "." in name)


def _names(text: str) -> Iterator[str]:
    if not _MAYBE.search(text):
        return
    tokens = _tokens(text)
    for index, (kind, value) in enumerate(tokens):
        if kind in _LITERAL:
            yield from _names(_content(kind, value))
        elif kind == "word" and value.lower() in {"set", "reset"}:
            first = index + 1
            if tokens[first : first + 1] and tokens[first][1].lower() in _SCOPES:
                first += 1
            yield _joined(tokens[first:])
        elif kind in _PARTS and value.strip('"').lower() == "set_config":
            argument = tokens[index + 2 : index + 3]
            if argument and argument[0][0] in _LITERAL:
                yield _content(*argument[0]).strip().lower()


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        if kind not in _BLANK:
            tokens.append((kind, text[start:position]))
    return tokens


def _joined(tokens: list[tuple[str, str]]) -> str:
    """Return the qualified name at the beginning of the tokens, in lower case."""
    parts: list[str] = []
    for kind, value in tokens:
        if kind in _PARTS and (not parts or parts[-1] == "."):
            parts.append(value[1:-1].replace('""', '"') if kind == "quoted" else value)
        elif value == "." and parts:
            parts.append(value)
        else:
            break
    return "".join(parts).lower()


def _content(kind: str, value: str) -> str:
    """Return the content of a literal without its quotes; escapes are not resolved."""
    if kind == "dollar":
        tag = _DOLLARS.match(value)
        size = len(tag[0]) if tag else 0
        return value[size : len(value) - size]
    return value[value.index("'") + 1 : -1].replace("''", "'")
