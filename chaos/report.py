"""The table of what was tried and found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos.model import Row

__all__ = ["markdown_table", "told_row"]

_HEAD = (
    "| | what | trials | faults | violations | seconds | remark |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | --- |\n"
)


def markdown_table(rows: Iterable[Row]) -> str:
    """Return the rows as a table of Markdown."""
    return _HEAD + "".join(_line(row) for row in rows)


def _line(row: Row) -> str:
    result = row.result
    if result is None:
        counts = ["", "", "not tried"]
        remark = f"skipped: {row.skipped}"
    else:
        counts = [str(result.trials), str(result.faults), str(len(result.violations))]
        remark = result.remark
    cells = [row.scenario.name, row.scenario.what, *counts, f"{row.seconds:.0f}", remark]
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |\n"


def told_row(row: Row) -> str:
    """Return a row as a line for whoever waits, and below it the evidence of its violations."""
    name, result = row.scenario.name, row.result
    if result is None:
        return f"{name:4} skipped: {row.skipped}"
    counts = f"{result.trials:6} trials {result.faults:6} faults"
    broken = f"{len(result.violations):4} violations {row.seconds:7.1f} s"
    line = f"{name:4} {counts} {broken}  {result.remark}"
    return "\n".join([line, *(f"     VIOLATION {each}" for each in result.violations)])
