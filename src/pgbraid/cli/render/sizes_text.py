"""Renders the sizes of production as text: the largest tables, and those of unknown size."""

from __future__ import annotations

from collections import Counter

from pgbraid.cli.render.characters import clean
from pgbraid.cli.render.psql import count, table

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.hazards.sizes import Sizes, TableSize

__all__ = ["bytes_text", "rows_text", "sizes_lines"]

_LARGEST = 20
_UNKNOWN_NAMED = 10
_HEAD = ("rows", "size", "indexes", "reads/s", "writes/s", "table")
_KEPT_AS_IT_IS = 10_000
"""Numbers below are not shortened."""
_WITH_DECIMAL = 9.95
"""Shortened numbers below have a decimal."""
_RATE_WITHOUT_DECIMAL = 100


def rows_text(rows: int) -> str:
    """Return a number of rows, such as ``412 M`` or ``1.2 M``."""
    return str(rows) if rows < _KEPT_AS_IT_IS else _short(rows, 1000, ("k", "M", "G", "T"))


def bytes_text(size: int) -> str:
    """Return a size in the units of pg_size_pretty, such as ``90 GB``."""
    units = ("kB", "MB", "GB", "TB", "PB")
    return f"{size} bytes" if size < _KEPT_AS_IT_IS else _short(size, 1024, units)


def _short(number: float, step: int, units: tuple[str, ...]) -> str:
    unit, *larger = units
    number /= step
    while larger and number >= step:
        number /= step
        unit = larger.pop(0)
    return f"{number:.1f} {unit}" if number < _WITH_DECIMAL else f"{number:.0f} {unit}"


def sizes_lines(sizes: Sizes, columns: int | None = None) -> Iterator[str]:
    """Yield the lines of the answer; the table is cut to the width of the terminal."""
    parts = Counter(size.part_of for size in sizes.tables.values() if size.part_of is not None)
    whole = {name: size for name, size in sizes.tables.items() if size.part_of is None}
    sized = sorted(
        ((name, size) for name, size in whole.items() if size.rows is not None),
        key=lambda item: (-_extent(item[1]), item[0]),
    )
    rows = [_row(name, size, parts[name]) for name, size in sized[:_LARGEST]]
    if rows:
        yield from table(_HEAD, rows, right=len(_HEAD) - 1, columns=columns)
    remaining = len(sized) - len(rows)
    if remaining:
        yield f"and {count(remaining, 'smaller table')}"
    yield from _unknown(sorted(name for name, s in sizes.tables.items() if s.rows is None))
    yield _facts(sizes, len(whole))


def _row(name: str, size: TableSize, parts: int) -> tuple[str, ...]:
    return (
        rows_text(size.rows or 0),
        bytes_text((size.bytes or 0) + (size.toast_bytes or 0)),
        bytes_text(size.index_bytes or 0),
        _rate(size.reads_per_s),
        _rate(size.writes_per_s),
        f"{name} ({count(parts, 'part')})" if parts else name,
    )


def _extent(size: TableSize) -> int:
    return (size.bytes or 0) + (size.toast_bytes or 0) + (size.index_bytes or 0)


def _rate(rate: float | None) -> str:
    if rate is None:
        return ""
    return f"{rate:.1f}" if rate < _RATE_WITHOUT_DECIMAL else f"{rate:.0f}"


def _unknown(names: list[str]) -> Iterator[str]:
    if not names:
        return
    more = len(names) - _UNKNOWN_NAMED
    shown = ", ".join(clean(name) for name in names[:_UNKNOWN_NAMED])
    rest = f" and {more} more" if more > 0 else ""
    yield f"Unknown size: {shown}{rest}. ANALYZE counts the rows."


def _facts(sizes: Sizes, tables: int) -> str:
    facts = [f"PostgreSQL {sizes.server_version}", f"TimeZone {sizes.timezone}"]
    if sizes.standbys:
        facts.append(count(sizes.standbys, "standby"))
    if sizes.published:
        facts.append(f"{len(sizes.published)} published")
    traffic = "too young for the traffic"
    if any(size.reads_per_s is not None for size in sizes.tables.values()) and sizes.stats_since:
        traffic = f"since {sizes.stats_since:%Y-%m-%d}"
    return f"{count(tables, 'table')}, {clean(', '.join(facts))}; statistics {traffic}."
