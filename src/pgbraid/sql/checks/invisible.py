"""Finds characters that nobody sees, where PostgreSQL takes them for letters or refuses them."""

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
"""Control characters, blanks that are none to PostgreSQL, and what has no width.

The vertical tab is a blank from PostgreSQL 16 on, and refused before.
"""
_HIDDEN = frozenset({"comment", "block", "string", "escape", "quoted", "dollar", "unterminated"})


def invisible_characters(script: Script) -> Iterator[tuple[int, str]]:
    """Yield the offset of each such character outside quotes, comments and data, and itself."""
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
    """Return the kind of the token that holds an offset, and its end, read from a place before."""
    kind = ""
    while start <= at:
        kind, _, start = next_token(text, start)
    return kind, start


def code_points(text: str) -> str:
    """Return the code points and names of such characters in a text, each once; "" for none."""
    import unicodedata  # noqa: PLC0415 - few texts have any

    found = dict.fromkeys(_INVISIBLE.findall(text))
    names = ((char, unicodedata.name(char, "a control character")) for char in found)
    return ", ".join(f"U+{ord(char):04X} ({name})" for char, name in names)
