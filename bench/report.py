"""Writes the tables and charts of all stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.charts import chart
from bench.peers import TOOLS
from bench.summary import Grid
from bench.table_views import VIEWS, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model import Run
    from bench.results import Results

__all__ = ["write_report"]


def write_report(results: Results) -> None:
    """Write ``report.md`` and a chart for each table, and print the tables."""
    parts = ["# Measured"]
    for name, view in VIEWS.items():
        runs = results.newest(name)
        if runs:
            grid = Grid.of(runs)
            parts.append("\n".join(_section(name, view, grid, runs)))
            (results.folder / f"{name}.svg").write_text(chart(view, grid))
    parts.append("\n".join(_machines(results)))
    text = "\n\n".join(parts) + "\n"
    results.folder.mkdir(parents=True, exist_ok=True)
    (results.folder / "report.md").write_text(text)
    print(f"\n{text}")


def _section(name: str, view: View, grid: Grid, runs: list[Run]) -> Iterator[str]:
    cases = grid.cases
    yield f"## {view.heading}\n"
    yield f"{view.legend} {_when(runs)}\n"
    yield f"| {' | '.join(('tool', *cases))} |"
    yield f"| {' | '.join('---' for _ in range(len(cases) + 1))} |"
    for tool in grid.tools(view.main_case(grid), view.value):
        if view.measured_only and not _has_value(grid, tool, view):
            continue
        shown = [view.show(grid, tool, case).replace("|", "\\|") for case in cases]
        yield f"| {' | '.join((_label(grid, tool), *shown))} |"
    yield from _failures(grid)
    yield f"\n![{view.heading}]({name}.svg)"


def _has_value(grid: Grid, tool: str, view: View) -> bool:
    cell = grid.get(tool, view.main_case(grid))
    return cell is not None and cell.median(view.value) is not None


def _label(grid: Grid, tool: str) -> str:
    return f"**{tool}**" if grid.kinds[tool] == "ours" else tool


def _when(runs: list[Run]) -> str:
    sessions = sorted({run.session for run in runs})
    loads = [run.load for run in runs]
    rounds = max(run.round for run in runs) + 1
    several = " (several sessions: compare with care)" if len(sessions) > 1 else ""
    return (
        f"Up to {rounds} rounds; load {min(loads):.1f}-{max(loads):.1f}; "
        f"measured {', '.join(sessions)}{several}."
    )


def _failures(grid: Grid) -> Iterator[str]:
    bad = {
        f"- {tool}, {case}: {run.note}": None
        for (tool, case), cell in sorted(grid.cells.items())
        for run in cell.runs
        if not run.ok
    }
    if bad:
        yield "\nFailed:\n"
        yield from bad


def _machines(results: Results) -> Iterator[str]:
    known = {tool.name for tool in TOOLS}
    runs = [run for name in VIEWS for run in results.newest(name)]
    versions = {run.tool: run.version for run in runs if run.tool in known}
    yield "## Versions and machine\n"
    yield ", ".join(f"{tool} {version}" for tool, version in sorted(versions.items())) + ".\n"
    for about in results.about(run.session for run in runs):
        yield (
            f"- {about['session']}: {about['server']}, default settings, on "
            f"{about['processors']} processors ({about['machine']}), {about['system']}, "
            f"Python {about['python']}; every tool over TCP on the loopback address."
        )
