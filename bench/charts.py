"""Draws a table as horizontal bars, in SVG written by hand, for light and dark pages."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from bench.table_views import View, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.summary import Grid

__all__ = ["chart"]

_WIDTH, _LABELS, _VALUES = 760, 250, 110
_ROW, _BAR, _TOP, _BOTTOM = 24, 16, 54, 34
_STYLE = """\
text { font: 13px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #6e7781; }
.title { font-size: 15px; font-weight: 600; }
.small { font-size: 12px; }
.strong { font-weight: 700; }
.peer { fill: #8c959f; }
.floor { fill: #8c959f; fill-opacity: 0.35; stroke: #8c959f; }
.ours { fill: #2da44e; }
@media (prefers-color-scheme: dark) { text { fill: #b1bac4; } .ours { fill: #3fb950; } }
"""


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    value: float
    kind: str


def chart(view: View, grid: Grid) -> str:
    """Return the chart of a table's main case, or of all where the view is flat."""
    main = view.main_case(grid)
    bars = _bars(view, grid, grid.cases if view.flat else [main])
    about = view.unit if view.flat else f"{main}, {view.unit}"
    height = _TOP + len(bars) * _ROW + _BOTTOM
    lines = [
        _head(view.heading, height),
        f'<text class="title" x="8" y="22">{escape(view.heading)}</text>',
        f'<text class="small" x="8" y="41">{escape(about)}; less is better</text>',
        *_drawn(view, bars),
        *_legend(bars, height - 12),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _head(heading: str, height: int) -> str:
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    about = f'role="img" aria-label="{escape(heading)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {about}>\n<style>\n{_STYLE}</style>'


def _bars(view: View, grid: Grid, cases: list[str]) -> list[_Bar]:
    found = []
    for case in cases:
        for tool in grid.tools(case, view.value):
            cell = grid.get(tool, case)
            value = cell.median(view.value) if cell else None
            if value is not None:
                label = f"{tool}, {case}" if view.flat else tool
                found.append(_Bar(label, value, grid.kinds[tool]))
    return sorted(found, key=lambda bar: bar.value)


def _drawn(view: View, bars: list[_Bar]) -> Iterator[str]:
    room = _WIDTH - _LABELS - _VALUES
    longest = max((bar.value for bar in bars), default=0.0) or 1.0
    for index, bar in enumerate(bars):
        y = _TOP + index * _ROW
        width = max(1.0, room * bar.value / longest)
        weight = ' class="strong"' if bar.kind == "ours" else ""
        yield (
            f'<text{weight} x="{_LABELS - 8}" y="{y + 13}" text-anchor="end">'
            f"{escape(bar.label)}</text>"
            f'<rect class="{bar.kind}" x="{_LABELS}" y="{y}" width="{width:.1f}" '
            f'height="{_BAR}" rx="2"/>'
            f'<text{weight} x="{_LABELS + width + 6:.1f}" y="{y + 13}">'
            f"{number(bar.value, view.unit)} {_short(view.unit)}</text>"
        )


def _short(unit: str) -> str:
    return unit if unit in {"ms", "s", "MB"} else ""


def _legend(bars: list[_Bar], y: int) -> Iterator[str]:
    texts = {"ours": "pgbraid", "floor": "no migration tool, to compare", "peer": "other tools"}
    x = _LABELS
    for kind, text in texts.items():
        if any(bar.kind == kind for bar in bars):
            yield f'<rect class="{kind}" x="{x}" y="{y - 10}" width="12" height="12" rx="2"/>'
            yield f'<text class="small" x="{x + 17}" y="{y}">{text}</text>'
            x += 40 + 7 * len(text)
