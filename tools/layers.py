"""Print the rooms of the package by floors: a room imports only from floors below its own.

Imports of type annotations count. Run it as `python tools/layers.py`; `--modules` draws modules.
"""

from __future__ import annotations

import argparse
from graphlib import TopologicalSorter

import grimp

_PACKAGE = "pgbraid"


def imports_of(*, modules: bool, top: bool = False) -> dict[str, set[str]]:
    """Return what each room imports, or each module; with ``top``, each room of the first floor."""
    graph = grimp.build_graph(_PACKAGE)
    names = graph.modules - {_PACKAGE}
    imports: dict[str, set[str]] = {}
    for name in names:
        found = graph.find_modules_directly_imported_by(name) & names
        here = name if modules else _room(name, graph, top=top)
        rooms = {other if modules else _room(other, graph, top=top) for other in found}
        imports.setdefault(here, set()).update(rooms - {here})
    return imports


def _room(name: str, graph: grimp.ImportGraph, *, top: bool) -> str:
    if top:
        return ".".join(name.split(".")[:2])
    folder = name.rpartition(".")[0]
    return name if folder == _PACKAGE or graph.find_children(name) else folder


def floors(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the rooms from the ground up. Raises graphlib.CycleError where there is a circle."""
    height: dict[str, int] = {}
    for room in TopologicalSorter(imports).static_order():
        height[room] = 1 + max((height[below] for below in imports.get(room, ())), default=-1)
    found: list[list[str]] = [[] for _ in range(max(height.values()) + 1)]
    for room in sorted(height):
        found[height[room]].append(room.removeprefix(f"{_PACKAGE}."))
    return found


def main() -> None:
    """Print the floors, the highest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", action="store_true", help="draw modules, not rooms")
    parser.add_argument("--top", action="store_true", help="draw the nine rooms only")
    options = parser.parse_args()
    found = floors(imports_of(modules=options.modules, top=options.top))
    for number, rooms in reversed(list(enumerate(found, 1))):
        print(f"{number:3}  {'  '.join(rooms)}")


if __name__ == "__main__":
    main()
