"""The table of outcomes, in Markdown: who applied the late migration, not who was fastest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.out_of_order.model import Result

__all__ = ["table"]

_ORDER = (
    "applied",
    "refused",
    "conflict in git",
    "skipped with a message",
    "skipped silently",
    "applied, then failed",
    "not run here",
)


def table(results: Sequence[Result]) -> str:
    """Return the table, with a line that counts the peers' outcomes above it."""
    return "\n".join([_counted(results), "", *_rows(results)]) + "\n"


def _counted(results: Sequence[Result]) -> str:
    counts = Counter(each.outcome for each in results if not each.way and each.kind == "peer")
    told = ", ".join(f"{counts[name]} {name}" for name in _ORDER if counts[name])
    measured = f"Measured {max(each.date for each in results)}."
    return f"Peers: {told}. {measured}" if told else measured


def _rows(results: Sequence[Result]) -> Iterator[str]:
    yield "| tool | outcome | exit code | in its own words | its remedy | a reader waited |"
    yield "| --- | --- | --- | --- | --- | --- |"
    usual = [each for each in results if not each.way]
    for each in sorted(usual, key=lambda each: (each.kind != "ours", _ORDER.index(each.outcome))):
        ways = [other for other in results if other.way and other.tool == each.tool]
        offered = "; ".join(f"{way.way}: {way.outcome}" for way in ways)
        name = f"**{each.tool}**" if each.kind == "ours" else each.tool
        code = "" if each.code is None else str(each.code)
        wait = "" if each.reader_wait is None else f"{each.reader_wait:.1f} s"
        cells = (f"{name} {each.version}", each.outcome, code, each.said, offered, wait)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
