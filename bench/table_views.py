"""How each table is shown: what stands in a cell, what it is sorted by, what the chart shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.peers.floors import FLOOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.summary import Cell, Grid

__all__ = ["VIEWS", "View"]

_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class View:
    """The look of one table."""

    heading: str
    legend: str
    show: Callable[[Grid, str, str], str]
    """Returns the text of a tool's cell in a case."""
    main: tuple[str, ...] = ()
    """The case that the rows and the chart are sorted by: the first of these that is there."""
    value: str = "wall"
    unit: str = "ms"
    flat: bool = False
    """Whether the chart has a bar for every case, instead of the main one only."""
    measured_only: bool = False
    """Whether a tool without a value in the main case has no row."""

    def main_case(self, grid: Grid) -> str:
        """Return the case to sort by; the last one where none of the wished is there."""
        return next((case for case in self.main if case in grid.cases), grid.cases[-1])


def number(value: float, unit: str) -> str:
    """Return a measured value for a person to read."""
    if unit == "MB":
        return f"{value / _MB:.0f}"
    if unit == "ms":
        return f"{value * 1000:.1f}" if value < 0.1 else f"{value * 1000:.0f}"
    if unit == "s":
        return f"{value:.2f}" if value < 1 else f"{value:.1f}"
    return f"{value:.0f}"


def _failed(cell: Cell | None) -> str:
    return "" if cell is None else "failed" if not cell.good else "-"


def _times(grid: Grid, tool: str, case: str) -> str:
    """Return the median, the range, and the processor time."""
    cell = grid.get(tool, case)
    if cell is None or cell.wall is None:
        return _failed(cell)
    low, high = (number(value, "ms") for value in cell.limits("wall"))
    spread = [f"{low}-{high}"] if len(cell.good) > 1 else []
    told = "; ".join([*_ratios(grid, cell, case), *spread, *_cpu(cell)])
    return f"{number(cell.wall, 'ms')} ({told})" if told else number(cell.wall, "ms")


def _cpu(cell: Cell) -> list[str]:
    client, server = cell.median("cpu"), cell.median("server_cpu")
    if client is None:
        return []
    return [f"cpu {client * 1000:.0f}" + (f"+{server * 1000:.0f}" if server else "")]


def _ratios(grid: Grid, cell: Cell, case: str) -> list[str]:
    """Return the ratios to psql's floor and to dbmate, those that can be had."""
    found = []
    for base in (FLOOR, "dbmate"):
        other = grid.get(base, case)
        if other and other.wall and cell.wall:
            found.append(f"{cell.wall / other.wall:.2f}x")
    return [", ".join(found)] if found else []


def _trips(grid: Grid, tool: str, case: str) -> str:
    cell = grid.get(tool, case)
    trips = cell.median("trips") if cell else None
    if cell is None or trips is None:
        return _failed(cell)
    each = f" ({trips / cell.runs[0].size:.2f} each)" if case.startswith("apply") else ""
    return f"{trips:.0f}{each}, {cell.median('connections'):.0f} conn."


def _memory(grid: Grid, tool: str, case: str) -> str:
    cell = grid.get(tool, case)
    if cell is None or not cell.good:
        return _failed(cell)
    return f"{_megabytes(cell, 'rss')} + {_megabytes(cell, 'server_rss')}"


def _megabytes(cell: Cell, name: str) -> str:
    value = cell.median(name)
    return "?" if value is None else number(value, "MB")


def _large(grid: Grid, tool: str, case: str) -> str:
    cell = grid.get(tool, case)
    if cell is None or cell.wall is None:
        return _failed(cell)
    return f"{number(cell.wall, 's')} s; {_memory(grid, tool, case)} MB"


_TIMES = (
    "Median in ms; in brackets the ratio to psql floor 2 and to dbmate where there are any, the "
    "range, and the processor time in ms of the client + the server."
)
_PLAIN = "Median in ms; in brackets the range and the client's processor time in ms."
VIEWS = {
    "apply": View("Everything, on an empty database", _TIMES, _times, ("N=1000", "N=500")),
    "noop": View("Nothing is to do", _TIMES, _times, ("N=1000",)),
    "pending": View("The newest migration is to do", _TIMES, _times),
    "gap": View(
        "One that merged late is to do",
        "Only the tools that apply it as it stands. " + _TIMES,
        _times,
        measured_only=True,
    ),
    "trips": View(
        "Waits for the server",
        "Round trips in all, of an apply also for each migration, and connections.",
        _trips,
        ("apply N=100", "apply N=20"),
        "trips",
        "round trips",
    ),
    "rtt": View("The server is far away", _TIMES, _times, ("apply, 2 ms",)),
    "flush": View("A commit takes 2 ms longer", _TIMES, _times),
    "big": View(
        "One migration of 200 MB",
        "Median, and the most memory: of the client + of the server's process for it.",
        _large,
        ("INSERT, 200 MB", "INSERT, 2 MB"),
        unit="s",
    ),
    "memory": View(
        "Memory",
        "The most memory in MB: of the client + of the server's process for it.",
        _memory,
        ("apply N=1000", "apply N=40"),
        "rss",
        "MB",
    ),
    "growth": View("pgbraid with ever more files", _PLAIN, _times, flat=True),
    "startup": View("Commands that need no database", _PLAIN, _times),
    "embedded": View("pgbraid's embedded server", _PLAIN, _times),
}
