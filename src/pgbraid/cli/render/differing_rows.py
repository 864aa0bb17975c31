"""Renders the rows in which a table differs."""

from __future__ import annotations

from pgbraid.cli.render.characters import clean
from pgbraid.cli.render.psql import count

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.model.snapshot import RowDifference, RowDifferences

__all__ = ["rows_lines"]


def rows_lines(rows: RowDifferences, sides: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of the rows that differ; ``sides`` are the names of the two sides."""
    for row in rows.rows:
        yield from _row(row, sides)
    if rows.more:
        least = "" if rows.complete else "at least "
        yield f"    and {least}{count(rows.more, 'more row')}"
    if rows.columns:
        names = ", ".join(map(clean, rows.columns))
        yield f"    compared without {names}, which only one side has"


def _row(row: RowDifference, sides: tuple[str, str]) -> Iterator[str]:
    times = f", {row.number} equal rows" if row.number > 1 else ""
    if row.only:
        left = row.only == "left"
        values = ((v.name, v.left if left else v.right) for v in row.values)
        side = sides[0] if left else sides[1]
        yield f"    {_pairs((*row.key, *values))}  (only {side}{times})"
        return
    yield f"    {_pairs(row.key) or 'a row'}{times}"
    if not row.values:
        yield "        equal itself, but linked with rows that differ"
    width = max(map(len, sides)) + 1
    for value in row.values:
        for side, text in zip(sides, (value.left, value.right), strict=True):
            yield f"        {side + ':':<{width}} {clean(value.name)} {_value(text)}"


def _pairs(values: Iterable[tuple[str, str | None]]) -> str:
    return ", ".join(f"{clean(name)} {_value(text)}" for name, text in values)


def _value(text: str | None) -> str:
    if text is None:
        return "NULL"
    return f"'{clean(text)}'" if text == "" or set(text) & set(" ,'\n\t") else clean(text)
