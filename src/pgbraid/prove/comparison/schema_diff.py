"""Differences between two snapshots, object by object.

Each difference has a facet: the schema, its rows, or only an order or the positions of sequences.
"""

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
"""Attributes of a column that follow from its type."""


_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def diff_snapshots(left: Snapshot, right: Snapshot) -> tuple[Difference, ...]:
    """Return the differences, one for each object and facet, in the order of ``Facet``.

    The parts of an object that exists on one side only are not listed.
    """
    all_differences = _merged(
        [d for catalog in _catalogs(left, right) for d in _compare(catalog, left, right)]
    )
    one_sided = {d.name: d.only for d in all_differences if d.only}
    parents = {**right.parents, **left.parents}
    shown = [d for d in all_differences if not _implied_by_parent(d, one_sided, parents)]
    order = list(Facet)
    return tuple(sorted(shown, key=lambda d: (order.index(d.facet), d.name, d.catalog)))


def _merged(differences: list[Difference]) -> list[Difference]:
    """Merge the differences of an object from several tables of the catalog."""
    merged: dict[tuple[str, Facet, str | None], Difference] = {}
    for difference in differences:
        key = difference.name, difference.facet, difference.only
        first = merged.get(key)
        facts = (*(first.attributes if first else ()), *difference.attributes)
        merged[key] = replace(first or difference, attributes=facts)
    return list(merged.values())


def _catalogs(left: Snapshot, right: Snapshot) -> list[str]:
    """Return the catalogs that differ; a catalog that one side lacks is not compared."""
    return [
        name
        for name in dict.fromkeys((*left.catalogs, *right.catalogs))
        if name in left.catalogs
        and name in right.catalogs
        and left.catalogs[name] != right.catalogs[name]
    ]


def _implied_by_parent(
    difference: Difference, one_sided: Mapping[str, str | None], parents: Mapping[str, str]
) -> bool:
    """Return whether an object is a part of an object that exists on one side only."""
    name, seen = difference.name, set[str]()
    while (parent := parents.get(name)) is not None and parent not in seen:
        seen.add(parent)
        if parent in one_sided and parent != difference.name:
            return True
        name = parent
    return False


_NOTHING = CatalogRows((), MappingProxyType({}))


def _compare(catalog: str, left: Snapshot, right: Snapshot) -> Iterator[Difference]:
    """Yield the differences of one catalog."""
    facet = _FACETS.get(catalog, Facet.SCHEMA)
    a, b = left.catalogs.get(catalog, _NOTHING), right.catalogs.get(catalog, _NOTHING)
    # A column that one side lacks, as of another major version, is not compared.
    columns = [name for name in (a.columns or b.columns) if name in (b.columns or a.columns)]
    for key in dict.fromkeys((*a.rows, *b.rows)):
        ours, theirs = a.rows.get(key), b.rows.get(key)
        if ours == theirs and a.columns == b.columns:
            continue
        if ours is None or theirs is None:
            if facet is not Facet.SCHEMA and facet is not Facet.DATA:
                continue  # the facet SCHEMA has the missing table or type
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
            yield Difference(facet, catalog, key, _without_implied(facts))


def _without_implied(facts: tuple[AttributeDifference, ...]) -> tuple[AttributeDifference, ...]:
    """Return the attributes with a type first, and without those that follow from the type."""
    types = tuple(fact for fact in facts if fact.name == "type")
    if not types:
        return facts
    return (*types, *(f for f in facts if f.name not in _OF_THE_TYPE and f not in types))


def _of(part: CatalogRows, facts: Facts | None, name: str) -> str | None:
    return facts[part.columns.index(name)] if facts is not None and name in part.columns else None


def _same_order(facet: Facet, left: str | None, right: str | None) -> bool:
    """Return whether two lists have their common names in the same order.

    A name that only one side has is a difference of the facet SCHEMA.
    """
    if facet not in {Facet.COLUMN_ORDER, Facet.ENUM_ORDER}:
        return False
    ours, theirs = (left or "").split("\n"), (right or "").split("\n")
    both = set(ours) & set(theirs)
    return [name for name in ours if name in both] == [name for name in theirs if name in both]


def differing_facets(left: Snapshot, right: Snapshot) -> AbstractSet[Facet]:
    """Return the facets in which two snapshots differ."""
    return {
        difference.facet
        for catalog in _catalogs(left, right)
        for difference in _compare(catalog, left, right)
    }


def filter_differences(
    differences: tuple[Difference, ...], patterns: Sequence[str]
) -> tuple[tuple[Difference, ...], int]:
    """Remove what the patterns match; return the rest, and the number of differences removed.

    A pattern matches an object's kind and name, such as ``table audit.*``, or these and one
    attribute, such as ``*: privileges``. A difference is removed with the last of its attributes.
    """
    remaining: list[Difference] = []
    for difference in differences:
        name = difference.name
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        facts = tuple(
            fact
            for fact in difference.attributes
            if not any(fnmatchcase(f"{name}: {display_name(fact.name)}", p) for p in patterns)
        )
        # A difference without attributes, such as one in rows, is ignored only as a whole.
        if facts or not difference.attributes:
            remaining.append(replace(difference, attributes=facts))
    return tuple(remaining), len(differences) - len(remaining)


def with_role(snapshot: Snapshot, old: str, new: str) -> Snapshot:
    """Replace one role by another in the owners, privileges and roles of a snapshot."""
    # The server quotes role names in lists of privileges unless they are plain identifiers.
    spelled = {name: name if _PLAIN.fullmatch(name) else f'"{name}"' for name in (old, new)}
    named = re.compile(rf'(?<![\w"]){re.escape(spelled[old])}(?=[=/,}}]|$)')

    def one(fact: str, value: str) -> str:
        if not fact.endswith("acl"):
            return spelled[new] if value == spelled[old] else value
        # The snapshot has the privileges sorted, so the order must fit the new name.
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
