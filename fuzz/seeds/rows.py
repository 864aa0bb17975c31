"""Whether two databases hold the same rows, but for the numbers of generated keys.

The rows are nodes of a graph, and what refers to a row is an edge. Two databases are the same where
the graphs are isomorphic. Colours are refined, and where rows stay alike, each way to pair them is
tried: an isomorphism is found, or there is none.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuzz.seeds.moving import Moving
from fuzz.seeds.psql import Link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzz.seeds.moving import Cell, Masked
    from fuzz.seeds.psql import Built

__all__ = ["Judge", "TooMany"]

_MOST_TRIES = 3000


class TooMany(Exception):
    """There are more ways to pair the rows than are tried."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What an author knows of the columns: which refer to which, and which a function makes.

    With ``strict``, a column without a foreign key must have equal values as well as equal meaning.
    """

    soft: Mapping[tuple[str, str], tuple[str, str]]
    made: frozenset[tuple[str, str]]
    strict: bool = False

    def same(self, one: tuple[Built, Masked], other: tuple[Built, Masked]) -> bool:
        """Whether the rows of two databases are the same. Raises TooMany."""
        return self._graph(one, other).isomorphic()

    def why(self, one: tuple[Built, Masked], other: tuple[Built, Masked]) -> list[str]:
        """Return rows that only one of two databases has, by what they show and refer to."""
        return self._graph(one, other).apart()

    def _graph(self, one: tuple[Built, Masked], other: tuple[Built, Masked]) -> _Graph:
        graph = _Graph()
        for side, (built, rows) in enumerate((one, other)):
            self._add(graph, side, built, rows)
        return graph

    def _add(self, graph: _Graph, side: int, built: Built, rows: Masked) -> None:
        links = self._links(built)
        opaque = self._opaque(built, rows, links)
        kept = [link for link in links if self._counts(link, opaque)]
        numbers = {
            (table, place): graph.node(side)
            for table, found in sorted(rows.rows.items())
            for place in range(len(found))
        }
        hidden = self._hidden(built, links, opaque)
        keys = _key_tokens(built, rows, numbers)
        targets = _targets(rows, numbers, kept)
        for (table, place), node in numbers.items():
            row = rows.rows[table][place]
            shown = {c: cell for c, cell in row.items() if (table, c) not in hidden}
            for number, (source, link, soft) in enumerate(kept):
                if source != table:
                    continue
                key = _key(row, link.columns)
                there = targets[number].get(key) if key else None
                if there is not None:
                    graph.edge(node, there, (source, *link.columns))
                elif key is not None:
                    shown.update({column: row[column] for column in link.columns})
                if there is not None and soft and not self.strict:
                    shown = {c: v for c, v in shown.items() if c not in link.columns}
            for column, cell in row.items():
                for token in _tokens(cell):
                    if token in keys and keys[token] != node:
                        graph.edge(node, keys[token], (table, column, "~"))
            graph.colours[node] = repr((table, sorted((c, _shown(v)) for c, v in shown.items())))

    def _links(self, built: Built) -> list[tuple[str, Link, bool]]:
        """Return the links of each table, and whether an author only knows of them."""
        found: list[tuple[str, Link, bool]] = []
        for table in built.tables.values():
            if table.root == table.name:
                found += [(table.name, link, False) for link in table.links]
        covered = {(table, link.columns) for table, link, _ in found}
        for (table, column), (target, referred) in self.soft.items():
            source, there = f"public.{table}", f"public.{target}"
            if (
                source in built.tables
                and there in built.tables
                and column in built.tables[source].columns
                and (source, (column,)) not in covered
            ):
                found.append((source, Link((column,), there, (referred,)), True))
        return found

    def _generated(self, built: Built) -> set[tuple[str, str]]:
        found = {(f"public.{table}", column) for table, column in self.made}
        for table in built.tables.values():
            if table.root == table.name:
                found |= {(table.name, c) for c, facts in table.facts.items() if facts["generates"]}
        # A default that repeats what another insert drew is no key of its own row.
        return {(t, c) for t, c in found if (t.removeprefix("public."), c) not in self.soft}

    def _opaque(
        self, built: Built, rows: Masked, links: list[tuple[str, Link, bool]]
    ) -> set[tuple[str, str]]:
        """Return the columns whose values say nothing but which row is meant."""
        opaque = self._generated(built) | rows.moving
        while True:
            more = {
                (source, own)
                for source, link, soft in links
                if not (soft and self.strict)
                for own, other in zip(link.columns, link.referred, strict=True)
                if (link.target, other) in opaque
            }
            if more <= opaque:
                return opaque
            opaque |= more

    @staticmethod
    def _counts(link: tuple[str, Link, bool], opaque: set[tuple[str, str]]) -> bool:
        _, found, _ = link
        return any((found.target, column) in opaque for column in found.referred)

    def _hidden(
        self, built: Built, links: list[tuple[str, Link, bool]], opaque: set[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        """Return the columns that are not shown: keys, hard links to such, what is made of them."""
        hidden = self._generated(built) | {
            (source, own)
            for source, link, soft in links
            if not soft
            for own, other in zip(link.columns, link.referred, strict=True)
            if (link.target, other) in opaque
        }
        for table in built.tables.values():
            for column, facts in table.facts.items():
                words = set(re.findall(r"\w+", facts["default"] or "")) if facts["stored"] else ()
                if any((table.root, word) in hidden for word in words):
                    hidden.add((table.root, column))
        return hidden


def _key(row: Mapping[str, Cell], columns: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the values of some columns as a build has them; None where one is NULL."""
    cells = [row.get(column) for column in columns]
    return None if any(cell is None for cell in cells) else tuple(map(_raw, cells))


def _raw(cell: Cell) -> str:
    return "".join(p.value if isinstance(p, Moving) else p for p in cell or ())


def _shown(cell: Cell) -> str | None:
    if cell is None:
        return None
    return "".join("\0~\0" if isinstance(piece, Moving) else piece for piece in cell)


def _tokens(cell: Cell) -> list[str]:
    return [piece.value for piece in cell or () if isinstance(piece, Moving)]


def _key_tokens(
    built: Built, rows: Masked, numbers: Mapping[tuple[str, int], int]
) -> dict[str, int]:
    """Return the values that move and identify a row, each with the row."""
    return {
        cell[0].value: numbers[table, place]
        for table, found in rows.rows.items()
        for place, row in enumerate(found)
        for column, cell in row.items()
        if column in built.tables[table].unique
        and cell is not None
        and len(cell) == 1
        and isinstance(cell[0], Moving)
    }


def _targets(
    rows: Masked, numbers: Mapping[tuple[str, int], int], links: list[tuple[str, Link, bool]]
) -> list[dict[tuple[str, ...], int]]:
    found = []
    for _, link, _ in links:
        there: dict[tuple[str, ...], int] = {}
        for place, row in enumerate(rows.rows.get(link.target, ())):
            key = _key(row, link.referred)
            if key is not None:
                there[key] = numbers[link.target, place]
        found.append(there)
    return found


@dataclass(slots=True)
class _Graph:
    """The rows of two databases, each on its side."""

    sides: list[int] = field(default_factory=list)
    colours: dict[int, str] = field(default_factory=dict)
    edges: dict[int, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    tries: int = 0

    def node(self, side: int) -> int:
        self.sides.append(side)
        return len(self.sides) - 1

    def edge(self, one: int, other: int, label: tuple[str, ...]) -> None:
        self.edges[one].append((f"to {label}", other))
        self.edges[other].append((f"from {label}", one))

    def isomorphic(self) -> bool:
        return self._search(_numbered(self.colours))

    def apart(self) -> list[str]:
        """Return the rows of either side whose colour the other side has less often."""
        colours = self._refined(_numbered(self.colours))
        counts = Counter((self.sides[node], colour) for node, colour in colours.items())
        return sorted(
            f"{'-+'[self.sides[node]]} {self.colours[node]} {len(self.edges[node])} links"
            for node, colour in colours.items()
            if counts[0, colour] != counts[1, colour]
        )

    def _search(self, colours: dict[int, int]) -> bool:
        self.tries += 1
        if self.tries > _MOST_TRIES:
            raise TooMany
        colours = self._refined(colours)
        classes: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for node, colour in colours.items():
            classes[colour][self.sides[node]].append(node)
        if any(len(left) != len(right) for left, right in classes.values()):
            return False
        alike = [pair for pair in classes.values() if len(pair[0]) > 1 and self._linked(pair[0])]
        if not alike:
            return True
        left, right = min(alike, key=lambda pair: len(pair[0]))
        new = max(colours.values()) + 1
        return any(self._search({**colours, left[0]: new, other: new}) for other in right)

    def _linked(self, nodes: list[int]) -> bool:
        """Whether it matters which of these is which: rows without links are interchangeable."""
        return any(self.edges[node] for node in nodes)

    def _refined(self, colours: dict[int, int]) -> dict[int, int]:
        while True:
            finer = _numbered(
                {
                    node: repr(
                        (colour, sorted((label, colours[n]) for label, n in self.edges[node]))
                    )
                    for node, colour in colours.items()
                }
            )
            if len(Counter(finer.values())) == len(Counter(colours.values())):
                return finer
            colours = finer


def _numbered(colours: Mapping[int, str]) -> dict[int, int]:
    numbers = {text: number for number, text in enumerate(sorted(set(colours.values())))}
    return {node: numbers[text] for node, text in colours.items()}
