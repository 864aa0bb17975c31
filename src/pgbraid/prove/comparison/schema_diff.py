"""Differences between two snapshots, object by object."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

from pgbraid.model.catalog_names import display_name
from pgbraid.model.snapshot import (
    COLUMN_ORDER,
    DATA,
    ENUM_ORDER,
    SEQUENCES,
    AttributeDifference,
    CatalogRows,
    Difference,
    Facet,
    Facts,
    Snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

__all__ = ["diff_snapshots", "differing_facets", "filter_differences", "with_role"]

_FACETS = {
    COLUMN_ORDER: Facet.COLUMN_ORDER,
    ENUM_ORDER: Facet.ENUM_ORDER,
    DATA: Facet.DATA,
    SEQUENCES: Facet.SEQUENCES,
}


_OF_THE_TYPE = frozenset({"attlen", "attbyval", "attalign", "attndims"})
"""Facts of a column that its type brings with it."""


_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def diff_snapshots(left: Snapshot, right: Snapshot) -> tuple[Difference, ...]:
    """Return what differs, object by object, the gravest first.

    Of an object that is on one side only its parts are not told one by one.
    """
    found = [d for catalog in _catalogs(left, right) for d in _compare(catalog, left, right)]
    found = _merged(found)
    lone = {d.name: d.only for d in found if d.only}
    parents = {**right.parents, **left.parents}
    shown = [d for d in found if not _implied_by_parent(d, lone, parents)]
    order = list(Facet)
    return tuple(sorted(shown, key=lambda d: (order.index(d.facet), d.name, d.catalog)))


def _merged(found: list[Difference]) -> list[Difference]:
    """Make one difference of those of one object that several tables of the catalog tell of."""
    merged: dict[tuple[str, Facet, str | None], Difference] = {}
    for difference in found:
        key = difference.name, difference.facet, difference.only
        known = merged.get(key)
        facts = (*(known.attributes if known else ()), *difference.attributes)
        merged[key] = replace(known or difference, attributes=facts)
    return list(merged.values())


def _catalogs(left: Snapshot, right: Snapshot) -> list[str]:
    return [
        name
        for name in dict.fromkeys((*left.catalogs, *right.catalogs))
        if name in left.catalogs
        and name in right.catalogs
        and left.catalogs[name] != right.catalogs[name]
    ]


def _implied_by_parent(
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


_NOTHING = CatalogRows((), MappingProxyType({}))


def _compare(catalog: str, left: Snapshot, right: Snapshot) -> Iterator[Difference]:
    facet = _FACETS.get(catalog, Facet.SCHEMA)
    a, b = left.catalogs.get(catalog, _NOTHING), right.catalogs.get(catalog, _NOTHING)
    columns = [name for name in (a.columns or b.columns) if name in (b.columns or a.columns)]
    for key in dict.fromkeys((*a.rows, *b.rows)):
        ours, theirs = a.rows.get(key), b.rows.get(key)
        if ours == theirs and a.columns == b.columns:
            continue
        if ours is None or theirs is None:
            if facet is not Facet.SCHEMA and facet is not Facet.DATA:
                continue  # what is not there has no order; the schema's difference says so
            facts = tuple(
                AttributeDifference(name, _of(a, ours, name), _of(b, theirs, name))
                for name in columns
            )
            yield Difference(facet, catalog, key, facts, "right" if ours is None else "left")
            continue
        facts = tuple(
            AttributeDifference(name, left_value, right_value)
            for name in columns
            if (left_value := _of(a, ours, name)) != (right_value := _of(b, theirs, name))
            and not _same_order(facet, left_value, right_value)
        )
        if facts:
            yield Difference(facet, catalog, key, _telling(facts))


def _telling(facts: tuple[AttributeDifference, ...]) -> tuple[AttributeDifference, ...]:
    """Return the facts with a type first, and without those that follow from the type."""
    types = tuple(fact for fact in facts if fact.name == "type")
    if not types:
        return facts
    return (*types, *(f for f in facts if f.name not in _OF_THE_TYPE and f not in types))


def _of(part: CatalogRows, facts: Facts | None, name: str) -> str | None:
    return facts[part.columns.index(name)] if facts is not None and name in part.columns else None


def _same_order(facet: Facet, left: str | None, right: str | None) -> bool:
    """Whether two lists differ only in what one of them lacks, which the schema says."""
    if facet not in {Facet.COLUMN_ORDER, Facet.ENUM_ORDER}:
        return False
    ours, theirs = (left or "").split("\n"), (right or "").split("\n")
    both = set(ours) & set(theirs)
    return [name for name in ours if name in both] == [name for name in theirs if name in both]


def differing_facets(left: Snapshot, right: Snapshot) -> AbstractSet[Facet]:
    """Return in which respects two snapshots differ."""
    return {
        difference.facet
        for catalog in _catalogs(left, right)
        for difference in _compare(catalog, left, right)
    }


def filter_differences(
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
            for fact in difference.attributes
            if not any(fnmatchcase(f"{name}: {display_name(fact.name)}", p) for p in patterns)
        )
        if facts or not difference.attributes:
            kept.append(replace(difference, attributes=facts))
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

    def renamed(part: CatalogRows) -> CatalogRows:
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
        return CatalogRows(part.columns, rows)

    return replace(
        snapshot, catalogs={catalog: renamed(part) for catalog, part in snapshot.catalogs.items()}
    )
