"""Everything a schema is, as a value without oids and without the order of creation.

A snapshot holds, for each table of the system catalog, its rows by the identity of what they are
about; what differs between two of them is graded, from the order of columns to the schema itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from pgbraid.core.facts import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

__all__ = [
    "COLUMN_ORDER",
    "DATA",
    "DEFINITION",
    "ENUM_ORDER",
    "SEQUENCES",
    "Difference",
    "Facet",
    "Fact",
    "Facts",
    "Part",
    "Snapshot",
    "compare",
    "facets_that_differ",
    "ignoring",
    "with_role",
]

Facts: TypeAlias = "tuple[str | None, ...]"
DEFINITION = "definition"
"""The fact that is an object's SQL, by the server's own ``pg_get_…def``."""
COLUMN_ORDER, ENUM_ORDER, DATA, SEQUENCES = (
    "column order",
    "enum order",
    "data",
    "sequence values",
)
"""The parts of a snapshot that are no table of the catalog."""


class Facet(StrEnum):
    """What a difference is about, the gravest first."""

    SCHEMA = "schema"
    DATA = DATA
    ENUM_ORDER = ENUM_ORDER
    COLUMN_ORDER = COLUMN_ORDER
    SEQUENCES = SEQUENCES
    """The values that sequences stand at, which nothing but ids comes from."""


_FACETS = {
    COLUMN_ORDER: Facet.COLUMN_ORDER,
    ENUM_ORDER: Facet.ENUM_ORDER,
    DATA: Facet.DATA,
    SEQUENCES: Facet.SEQUENCES,
}


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the catalog: the names of its facts, and the facts by identity."""

    columns: tuple[str, ...]
    rows: Mapping[str, Facts]

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process, which a read-only mapping cannot do by itself."""
        return _part, (self.columns, dict(self.rows))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A database's schema as a value; two are equal where the schemas are.

    ``parents`` says of what is a part of something else what that is. ``left_out`` names what was
    not compared, and why, for a person to read.
    """

    parts: Mapping[str, Part]
    parents: Mapping[str, str] = field(
        repr=False, compare=False, default_factory=lambda: MappingProxyType({})
    )
    left_out: tuple[str, ...] = field(compare=False, default=())
    server: str = field(compare=False, default="")
    """The server's version, such as ``18.6``."""

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process, as a part does."""
        return _snapshot, (dict(self.parts), dict(self.parents), self.left_out, self.server)


def _part(columns: tuple[str, ...], rows: dict[str, Facts]) -> Part:
    return Part(columns, MappingProxyType(rows))


def _snapshot(
    parts: dict[str, Part], parents: dict[str, str], left_out: tuple[str, ...], server: str
) -> Snapshot:
    return Snapshot(MappingProxyType(parts), MappingProxyType(parents), left_out, server)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact that differs; None where it is NULL or there is no such object."""

    name: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not the same on both sides.

    ``only`` is ``left`` or ``right`` where the other side has no such object; ``facts`` are those
    that differ, or all of an object that is on one side only.
    """

    facet: Facet
    catalog: str
    name: str
    """The kind of object and its qualified name, such as ``view public.active``."""
    facts: tuple[Fact, ...]
    only: str | None = None

    def side(self, side: str) -> str | None:
        """Return the definition on the ``left`` or ``right`` side, where there is one."""
        for fact in self.facts:
            if fact.name == DEFINITION:
                return fact.left if side == "left" else fact.right
        return None


_OF_THE_TYPE = frozenset({"attlen", "attbyval", "attalign", "attndims"})
"""Facts of a column that its type brings with it."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def compare(left: Snapshot, right: Snapshot) -> tuple[Difference, ...]:
    """Return what differs, object by object, the gravest first.

    Of an object that is on one side only its parts are not told one by one.
    """
    found = [d for catalog in _catalogs(left, right) for d in _compare(catalog, left, right)]
    found = _merged(found)
    lone = {d.name: d.only for d in found if d.only}
    parents = {**right.parents, **left.parents}
    shown = [d for d in found if not _below(d, lone, parents)]
    order = list(Facet)
    return tuple(sorted(shown, key=lambda d: (order.index(d.facet), d.name, d.catalog)))


def _merged(found: list[Difference]) -> list[Difference]:
    """Make one difference of those of one object that several tables of the catalog tell of."""
    merged: dict[tuple[str, Facet, str | None], Difference] = {}
    for difference in found:
        key = difference.name, difference.facet, difference.only
        known = merged.get(key)
        facts = (*(known.facts if known else ()), *difference.facts)
        merged[key] = replace(known or difference, facts=facts)
    return list(merged.values())


def _catalogs(left: Snapshot, right: Snapshot) -> list[str]:
    return [
        name
        for name in dict.fromkeys((*left.parts, *right.parts))
        if name in left.parts and name in right.parts and left.parts[name] != right.parts[name]
    ]


def _below(
    difference: Difference, lone: Mapping[str, str | None], parents: Mapping[str, str]
) -> bool:
    """Whether an object is a part of one that is on one side only."""
    name, seen = difference.name, set[str]()
    while (parent := parents.get(name)) is not None and parent not in seen:
        seen.add(parent)
        if parent in lone and parent != difference.name:
            return True
        name = parent
    return False


_NOTHING = Part((), MappingProxyType({}))


def _compare(catalog: str, left: Snapshot, right: Snapshot) -> Iterator[Difference]:
    facet = _FACETS.get(catalog, Facet.SCHEMA)
    a, b = left.parts.get(catalog, _NOTHING), right.parts.get(catalog, _NOTHING)
    columns = [name for name in (a.columns or b.columns) if name in (b.columns or a.columns)]
    for key in dict.fromkeys((*a.rows, *b.rows)):
        ours, theirs = a.rows.get(key), b.rows.get(key)
        if ours == theirs and a.columns == b.columns:
            continue
        if ours is None or theirs is None:
            if facet is not Facet.SCHEMA and facet is not Facet.DATA:
                continue  # what is not there has no order; the schema's difference says so
            facts = tuple(Fact(name, _of(a, ours, name), _of(b, theirs, name)) for name in columns)
            yield Difference(facet, catalog, key, facts, "right" if ours is None else "left")
            continue
        facts = tuple(
            Fact(name, left_value, right_value)
            for name in columns
            if (left_value := _of(a, ours, name)) != (right_value := _of(b, theirs, name))
            and not _same_order(facet, left_value, right_value)
        )
        if facts:
            yield Difference(facet, catalog, key, _telling(facts))


def _telling(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Return the facts with a type first, and without those that follow from the type."""
    types = tuple(fact for fact in facts if fact.name == "type")
    if not types:
        return facts
    return (*types, *(f for f in facts if f.name not in _OF_THE_TYPE and f not in types))


def _of(part: Part, facts: Facts | None, name: str) -> str | None:
    return facts[part.columns.index(name)] if facts is not None and name in part.columns else None


def _same_order(facet: Facet, left: str | None, right: str | None) -> bool:
    """Whether two lists differ only in what one of them lacks, which the schema says."""
    if facet not in {Facet.COLUMN_ORDER, Facet.ENUM_ORDER}:
        return False
    ours, theirs = (left or "").split("\n"), (right or "").split("\n")
    both = set(ours) & set(theirs)
    return [name for name in ours if name in both] == [name for name in theirs if name in both]


def facets_that_differ(left: Snapshot, right: Snapshot) -> AbstractSet[Facet]:
    """Return in which respects two snapshots differ."""
    return {
        difference.facet
        for catalog in _catalogs(left, right)
        for difference in _compare(catalog, left, right)
    }


def ignoring(
    differences: tuple[Difference, ...], patterns: Sequence[str]
) -> tuple[tuple[Difference, ...], int]:
    """Return the differences that no pattern matches, and how many were left out.

    A pattern is matched with an object's kind and name, such as ``table audit.*``, or with that
    and one fact, such as ``*: privileges``.
    """
    kept = []
    for difference in differences:
        name = difference.name
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        facts = tuple(
            fact
            for fact in difference.facts
            if not any(fnmatchcase(f"{name}: {spoken(fact.name)}", p) for p in patterns)
        )
        if facts or not difference.facts:
            kept.append(replace(difference, facts=facts))
    return tuple(kept), len(differences) - len(kept)


def with_role(snapshot: Snapshot, old: str, new: str) -> Snapshot:
    """Return a snapshot in which one role stands for another."""
    spelled = {name: name if _PLAIN.fullmatch(name) else f'"{name}"' for name in (old, new)}
    named = re.compile(rf'(?<![\w"]){re.escape(spelled[old])}(?=[=/,}}]|$)')

    def one(fact: str, value: str) -> str:
        if not fact.endswith("acl"):
            return spelled[new] if value == spelled[old] else value
        items = named.sub(spelled[new].replace("\\", r"\\"), value).strip("{}").split(",")
        return "{" + ",".join(sorted(items)) + "}"

    def renamed(part: Part) -> Part:
        places = [
            place
            for place, name in enumerate(part.columns)
            if name.endswith(("owner", "acl", "role", "roles", "umuser"))
        ]
        if not places:
            return part
        rows = {
            key.replace(f"role {old} ", f"role {new} "): tuple(
                one(part.columns[place], value) if place in places and value else value
                for place, value in enumerate(facts)
            )
            for key, facts in part.rows.items()
        }
        return Part(part.columns, rows)

    return replace(
        snapshot, parts={catalog: renamed(part) for catalog, part in snapshot.parts.items()}
    )
