"""Two texts side by side, line by line, with the changed words of a changed line."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.page.texts.amounts import count
from pgbraid.page.texts.characters import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DiffCell", "DiffRow", "Span", "side_by_side"]

_LINES, _COLUMNS = 300, 400
"""The part of a text that is compared."""
_CONTEXT = 3
"""Equal lines that are shown around a change."""
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_ALIKE = 0.35
"""From this similarity on, a changed line shows its changed words."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line; a ``changed`` one differs from the other side."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class DiffCell:
    """A line of one side, numbered from 1."""

    number: int
    spans: tuple[Span, ...]
    changed: bool = False


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line of each side, or None if a side lacks it; or a text for the ``skipped`` lines."""

    left: DiffCell | None = None
    right: DiffCell | None = None
    skipped: str = ""


def side_by_side(left: str, right: str) -> tuple[DiffRow, ...]:
    """Return two texts as rows; long stretches of equal lines are left out."""
    before = lines_of(left, lines=_LINES, columns=_COLUMNS)
    after = lines_of(right, lines=_LINES, columns=_COLUMNS)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    rows: list[DiffRow] = []
    opcodes = matcher.get_opcodes()
    for index, (tag, a, b, c, d) in enumerate(opcodes):
        if tag == "equal":
            pairs = list(zip(range(a, b), range(c, d), strict=True))
            rows += _equal(before, pairs, first=not index, last=index == len(opcodes) - 1)
        else:
            rows += _changed(before[a:b], after[c:d], a + 1, c + 1)
    return tuple(rows)


def _equal(
    lines: Sequence[str], pairs: Sequence[tuple[int, int]], *, first: bool, last: bool
) -> Iterator[DiffRow]:
    head, tail = 0 if first else _CONTEXT, 0 if last else _CONTEXT
    size = len(pairs)
    skipped = range(head, size - tail) if size > head + tail + 1 else range(0)
    for offset, (a, c) in enumerate(pairs):
        if offset not in skipped:
            spans = (Span(lines[a]),)
            yield DiffRow(DiffCell(a + 1, spans), DiffCell(c + 1, spans))
        elif offset == skipped.start:
            yield DiffRow(skipped=f"… {count(len(skipped), 'equal line')}")


def _changed(
    before: Sequence[str], after: Sequence[str], left: int, right: int
) -> Iterator[DiffRow]:
    for offset in range(max(len(before), len(after))):
        old = before[offset] if offset < len(before) else None
        new = after[offset] if offset < len(after) else None
        if old is not None and new is not None:
            spans = _words(old, new)
        else:
            spans = (Span(old or "", changed=True),), (Span(new or "", changed=True),)
        yield DiffRow(
            None if old is None else DiffCell(left + offset, spans[0], changed=True),
            None if new is None else DiffCell(right + offset, spans[1], changed=True),
        )


def _words(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return (Span(old, changed=True),), (Span(new, changed=True),)
    left: list[Span] = []
    right: list[Span] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if b > a:
            left.append(Span("".join(before[a:b]), tag != "equal"))
        if d > c:
            right.append(Span("".join(after[c:d]), tag != "equal"))
    return tuple(left), tuple(right)
