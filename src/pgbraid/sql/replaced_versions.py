"""Reads and writes the value of the directive ``replaces=`` of a baseline.

The value is a list such as ``1-103,105,103_baseline``. A range stands for every number between its
ends, so a version without a file is in no range. A version with a name is an earlier baseline: the
row of that name stands for all versions of the list up to its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Replaced = tuple[tuple[int, ...], tuple[tuple[int, str], ...]]
    """The versions, and version and name of each earlier baseline."""

__all__ = ["format_replaced", "is_plain_name", "parse_replaced"]

_ITEM = re.compile(r"(?P<first>[0-9]{1,19})(?:-(?P<last>[0-9]{1,19})|_(?P<name>[\w.-]+))?")
_PLAIN = re.compile(r"[\w.-]+")
_MOST = 100_000
"""The number of versions that one value may list; a mistyped range must not fill the memory."""
_SHORTEST_RANGE = 3
_WIDTH = 100


def parse_replaced(value: str) -> Replaced | str:
    """Return the versions and the earlier baselines of a value, or an error message."""
    versions: set[int] = set()
    earlier: list[tuple[int, str]] = []
    for item in value.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            return f"replaces must list versions and ranges such as 1-103,105, not {item!r}"
        first = int(match["first"])
        last = int(match["last"] or first)
        if last < first or last - first >= _MOST:
            return f"{item!r} in replaces is not a range of at most {_MOST} versions"
        versions.update(range(first, last + 1))
        if match["name"]:
            earlier.append((first, match["name"]))
    return tuple(sorted(versions)), tuple(earlier)


def is_plain_name(name: str) -> bool:
    """Whether the name of a baseline can stand in the directive of a later one."""
    return _PLAIN.fullmatch(name) is not None


def format_replaced(versions: Iterable[int], earlier: Iterable[tuple[int, str]]) -> str:
    """Return the directives that list exactly these versions, on one line or several."""
    named = dict(earlier)
    items = [*_ranges(sorted(set(versions) - named.keys()))]
    items += [f"{version}_{name}" for version, name in sorted(named.items())]
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) < _WIDTH:
            lines[-1] += f",{item}"
        else:
            lines.append(f"-- pgbraid: replaces={item}")
    return "".join(f"{line}\n" for line in lines)


def _ranges(versions: list[int]) -> Iterator[str]:
    """Yield ranges of consecutive versions, and single versions."""
    start = 0
    for place in range(1, len(versions) + 1):
        if place < len(versions) and versions[place] == versions[place - 1] + 1:
            continue
        run = versions[start:place]
        if len(run) >= _SHORTEST_RANGE:
            yield f"{run[0]}-{run[-1]}"
        else:
            yield from map(str, run)
        start = place
