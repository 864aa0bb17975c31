"""The objects that differ between two databases, with the facts that differ, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.catalog_names import display_name
from pgbraid.model.snapshot import COLUMN_ORDER, DATA, DEFINITION, ENUM_ORDER, SEQUENCES
from pgbraid.page.sections.text_diff import side_by_side
from pgbraid.page.texts.characters import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.model.snapshot import AttributeDifference, Difference
    from pgbraid.page.sections.text_diff import DiffRow

__all__ = ["ChangedObject", "Fact", "changed_objects"]

LISTED = 40
"""Objects of a section; ``--json`` of the command lists all."""
_LISTS = frozenset({COLUMN_ORDER, ENUM_ORDER})
_SHOWN = frozenset({"type", "definition", "owner", "identity", "default", "value"})
"""The facts shown of an object that exists on one side only."""
_EMPTY = frozenset({"", "-", "{}"})
_SHORT = 300


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that differs: two short values, or two texts as ``rows`` side by side."""

    name: str
    left: str | None = None
    right: str | None = None
    rows: tuple[DiffRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """An object that differs; ``only`` is ``left`` or ``right`` if the other side has none."""

    name: str
    only: str | None
    facts: tuple[Fact, ...]


def changed_objects(differences: Iterable[Difference]) -> tuple[ChangedObject, ...]:
    """Return the objects of differences, in their order."""
    return tuple(
        ChangedObject(
            shown(difference.name),
            difference.only,
            tuple(_one_side(difference) if difference.only else _both_sides(difference)),
        )
        for difference in differences
    )


def _one_side(difference: Difference) -> Iterator[Fact]:
    on_left = difference.only == "left"
    for attribute in difference.attributes:
        value = attribute.left if on_left else attribute.right
        if attribute.name == "next value" and value:
            yield Fact("next value", "a row has it already, so the next INSERT fails")
        name = display_name(attribute.name)
        if value is None or value in _EMPTY or name not in _SHOWN:
            continue
        if "\n" in value:
            yield Fact(name, rows=side_by_side(value if on_left else "", "" if on_left else value))
        else:
            text = shown(value, _SHORT)
            yield Fact(name, text if on_left else None, None if on_left else text)


def _both_sides(difference: Difference) -> Iterator[Fact]:
    for attribute in difference.attributes:
        yield _data(attribute) if difference.catalog == DATA else _fact(difference, attribute)


def _data(attribute: AttributeDifference) -> Fact:
    if attribute.name == "digest":
        return Fact("values", "differ", "differ")
    return Fact(
        shown(attribute.name),
        shown(attribute.left or "0", _SHORT),
        shown(attribute.right or "0", _SHORT),
    )


def _fact(difference: Difference, attribute: AttributeDifference) -> Fact:
    name = display_name(attribute.name)
    if difference.catalog in _LISTS:
        name = "order"
    elif difference.catalog == SEQUENCES:
        name = "next value"
    left, right = _value(attribute.left), _value(attribute.right)
    texts = attribute.name == DEFINITION or difference.catalog in _LISTS
    if texts or "\n" in left + right:
        return Fact(name, rows=side_by_side(left, right))
    return Fact(name, shown(left, _SHORT), shown(right, _SHORT))


def _value(value: str | None) -> str:
    return "none" if value is None or value == "-" else value
