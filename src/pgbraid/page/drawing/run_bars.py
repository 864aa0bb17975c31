"""The bars of the runs: a segment for each migration, on one scale for all runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.page.texts.amounts import count, duration
from pgbraid.page.texts.characters import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.page.order.runs import Run

__all__ = ["Bar", "Bars", "Segment", "lay_out_bars"]

WIDTH = 400.0
HEIGHT = 14.0
_CROSS = 12.0
"""The width of the cross of a failure."""
_LEAST = 2.0
"""The least width of a segment."""
_TITLE = 160


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: ``order``, ``moved``, ``wait``, ``failed``, ``undone`` or ``started``."""

    kind: str
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one run."""

    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars of some runs, and the time that the whole width stands for."""

    bars: tuple[Bar, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Part:
    """A segment before its place is known."""

    kind: str
    seconds: float
    title: str


def lay_out_bars(runs: Sequence[Run]) -> Bars:
    """Return the bars of runs on one linear scale; the longest one fits into the width.

    Short migrations beside each other that were applied in order share a segment.
    """
    parts = [list(_parts(run)) for run in runs]
    longest = max((run.seconds for run in runs), default=0.0)
    scale = _scale(parts, longest)
    merged = [list(_merged(row, scale)) for row in parts]
    scale = _scale(merged, longest)
    bars = tuple(Bar(tuple(_segments(row, scale))) for row in merged)
    return Bars(bars, WIDTH / scale if scale else 0.0)


def _scale(rows: Sequence[Sequence[_Part]], longest: float) -> float:
    """Return how wide a second is, so that each bar fits with its least widths."""
    scale = WIDTH / longest if longest else 0.0
    while scale and any(sum(_width(part, scale) for part in row) > WIDTH for row in rows):
        scale *= 0.98
        if scale * longest < WIDTH / 100:  # too many segments: they overlap at the end
            break
    return scale


def _parts(run: Run) -> Iterator[_Part]:
    for step in run.steps:
        name = shown(step.label, _TITLE)
        if step.waited:
            blocked = "; ".join(step.blocked_by) or "other sessions"
            text = f"{name} waited {duration(step.waited)}: {blocked}"
            yield _Part("wait", step.waited, shown(text, _TITLE * 2))
        if step.event != "applied":
            words = "not finished" if step.event == "started" else step.event
            yield _Part(step.event, step.seconds, f"{name}: {words}")
            continue
        kind, words = ("moved", ", out of order") if step.out_of_order else ("order", "")
        yield _Part(kind, step.seconds, f"{name}: {duration(step.seconds)}{words}")


def _merged(parts: Sequence[_Part], scale: float) -> Iterator[_Part]:
    """Yield the parts; join those of migrations in order that are narrower than two units."""
    joined: list[_Part] = []
    for part in parts:
        if part.kind == "order" and part.seconds * scale < _LEAST:
            joined.append(part)
            continue
        yield from _join(joined)
        joined = []
        yield part
    yield from _join(joined)


def _join(parts: list[_Part]) -> Iterator[_Part]:
    if len(parts) <= 1:
        yield from parts
        return
    seconds = sum(part.seconds for part in parts)
    title = f"{count(len(parts), 'migration')} in order: {duration(seconds)}"
    yield _Part("order", seconds, title)


def _width(part: _Part, scale: float) -> float:
    return _CROSS if part.kind in {"failed", "started"} else max(part.seconds * scale, _LEAST)


def _segments(parts: Sequence[_Part], scale: float) -> Iterator[Segment]:
    x = 0.0
    for part in parts:
        width = _width(part, scale)
        yield Segment(part.kind, min(x, WIDTH), width, part.title)
        x += width
