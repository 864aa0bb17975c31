"""Decides whether a text that an application sent can be kept, and in which form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.sql.lexer import next_token
from pgbraid.sql.script import BLANKS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_hidden", "usable_text"]

_KEPT = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH"})
_REFUSED = frozenset({"string", "escape", "dollar", "unterminated", "meta", "semicolon"})
"""Kinds of tokens that a normalized statement does not have."""
_SYSTEM = re.compile(r"pg_[a-z0-9_]+|information_schema", re.IGNORECASE)
"""The start of a name in the catalog, or, before a parenthesis, of a function's call."""
_HIDDEN = "<insufficient privilege>"


def is_hidden(text: str) -> bool:
    """Whether the server shows this in the place of another role's statement."""
    return text.strip() == _HIDDEN


def usable_text(text: str) -> str | None:
    """Return a statement without comments and line breaks; None if it is not to be kept.

    Kept are whole statements that read or write rows of tables of the application. Statements with
    a string constant are not: pg_stat_statements replaces constants, so this text is an exception,
    which may hold data or a secret. Comments are removed, as tracing tools write values into them.
    """
    parts: list[str] = []
    first = last = ""
    for kind, token in _tokens(text.strip().removesuffix(";")):
        if kind in BLANKS:
            parts += [" "] if parts and parts[-1] != " " else []
            continue
        if kind in _REFUSED or (_SYSTEM.fullmatch(last) and kind != "open"):
            return None
        if kind == "word":
            first = first or token.upper()
        elif not first and kind != "open":
            return None
        last = token if kind == "word" else ""
        parts.append(token)
    usable = first in _KEPT and not _SYSTEM.fullmatch(last)
    return "".join(parts).strip() if usable else None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        yield kind, text[start:position]
