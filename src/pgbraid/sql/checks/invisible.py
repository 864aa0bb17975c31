"""Finds invisible characters where PostgreSQL treats them as letters or rejects them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.sql.lexer import next_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.sql.script import Script

__all__ = ["code_points", "invisible_characters"]

_INVISIBLE = re.compile(
    "[\x01-\x08\x0b\x0e-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e0fff]"
)
"""Control characters, zero-width characters, and spaces that PostgreSQL does not treat as space.

PostgreSQL accepts the vertical tab as white space since version 16 and rejects it before.
"""
_HIDDEN = frozenset({"comment", "block", "string", "escape", "quoted", "dollar", "unterminated"})


def invisible_characters(script: Script) -> Iterator[tuple[int, str]]:
    """Yield offset and character of each invisible one outside quotes, comments and COPY data."""
    seen_to = 0
    for match in _INVISIBLE.finditer(script.text):
        at = match.start()
        if at < seen_to:
            continue
        held = next((s for s in script.statements if s.start <= at < s.rest), None)
        if held and held.data and held.data[0] <= at:
            seen_to = held.rest
            continue
        before = [s.rest for s in script.statements if s.rest <= at]
        kind, seen_to = _kind_at(script.text, at, held.start if held else max(before, default=0))
        if kind not in _HIDDEN:
            yield at, match[0]
            seen_to = at + 1


def _kind_at(text: str, at: int, start: int) -> tuple[str, int]:
    """Return kind and end of the token at an offset, reading tokens from ``start``."""
    kind = ""
    while start <= at:
        kind, _, start = next_token(text, start)
    return kind, start


def code_points(text: str) -> str:
    """Return code points and names of the invisible characters in a text, or "" for none."""
    import unicodedata  # noqa: PLC0415 - few texts have invisible characters

    found = dict.fromkeys(_INVISIBLE.findall(text))
    names = ((char, unicodedata.name(char, "a control character")) for char in found)
    return ", ".join(f"U+{ord(char):04X} ({name})" for char, name in names)
