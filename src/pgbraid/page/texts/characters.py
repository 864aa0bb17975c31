"""Fits texts of other people into the page: one line, without characters that change others."""

from __future__ import annotations

import re

from pgbraid.page.texts.amounts import count

__all__ = ["cut", "lines_of", "shown"]

LONGEST = 400
"""Characters of a name or a message; the rest is cut."""
_NONCHARACTERS = "".join(
    chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_UNSHOWN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f"
    f"\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ud800-\udfff{_NONCHARACTERS}]"
)
"""Characters that HTML forbids, that change the direction of the text, or that are invisible."""


def shown(text: object, longest: int = LONGEST) -> str:
    """Return a text as one line: control characters are escaped, a long one is cut."""
    start = str(text)[: longest + 1].replace("\t", " ")
    return cut(_UNSHOWN.sub(_escaped, start), longest)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"  # noqa: PLR2004 - two digits


def cut(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters; a cut one ends with an ellipsis."""
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def lines_of(text: str, *, lines: int, columns: int) -> tuple[str, ...]:
    """Return the lines of a text, each fit to be shown; of a long text the first ones."""
    parts = text.expandtabs(4).split("\n")
    listed = [shown(line.removesuffix("\r"), columns) for line in parts[:lines]]
    if len(parts) > lines:
        listed.append(f"… {count(len(parts) - lines, 'more line')}")
    return tuple(listed)
