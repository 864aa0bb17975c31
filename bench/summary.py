"""Sums up runs: of each cell of a table the median, the range and what was noted."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model import Run

__all__ = ["Cell", "Grid"]


@dataclass(frozen=True, slots=True)
class Cell:
    """All runs of one tool in one case."""

    runs: tuple[Run, ...]

    @property
    def good(self) -> tuple[Run, ...]:
        """The runs that did what they should."""
        return tuple(run for run in self.runs if run.ok)

    @property
    def wall(self) -> float | None:
        """The median of the seconds."""
        return self.median("wall")

    @property
    def note(self) -> str:
        """What was noted, of failed runs why they did."""
        return next((run.note for run in self.runs if run.note), "")

    def median(self, name: str) -> float | None:
        """Return the median of one of the values, None where there is none."""
        values = self._values(name)
        return statistics.median(values) if values else None

    def limits(self, name: str) -> tuple[float, float]:
        """Return the least and the greatest of one of the values, of which there are some."""
        values = self._values(name)
        return min(values), max(values)

    def _values(self, name: str) -> list[float]:
        found = (getattr(run, name) for run in self.good)
        return [value for value in found if value is not None]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: a cell for each tool and case."""

    cells: dict[tuple[str, str], Cell]
    kinds: dict[str, str]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Grid:
        """Return the grid of a table's runs."""
        grouped: dict[tuple[str, str], list[Run]] = {}
        kinds: dict[str, str] = {}
        for run in runs:
            grouped.setdefault((run.tool, run.case), []).append(run)
            kinds[run.tool] = run.kind
        return cls({key: Cell(tuple(found)) for key, found in grouped.items()}, kinds)

    @property
    def cases(self) -> list[str]:
        """The cases in the order of the numbers in them."""
        return sorted({case for _, case in self.cells}, key=_natural)

    def tools(self, case: str, value: str = "wall") -> list[str]:
        """Return the tools, the best in a case first, those that failed last."""

        def rank(tool: str) -> tuple[float, float]:
            return self._median(tool, case, value), min(
                self._median(tool, each, value) for each in self.cases
            )

        return sorted(self.kinds, key=rank)

    def get(self, tool: str, case: str) -> Cell | None:
        """Return a cell, None where nothing was measured."""
        return self.cells.get((tool, case))

    def _median(self, tool: str, case: str, value: str) -> float:
        cell = self.get(tool, case)
        found = cell.median(value) if cell else None
        return float("inf") if found is None else found


def _natural(text: str) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", text)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
