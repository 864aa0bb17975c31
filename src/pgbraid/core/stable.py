"""The part of a schema that two replays of one order agree on.

A value that depends on the clock or on chance differs from one replay to the next, and says
nothing about the order. Only that value is masked: what stands around it is compared, and the
other order must have a value that changes at the same place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import TYPE_CHECKING

from pgbraid.core.facts import spoken
from pgbraid.core.snapshot import DATA, SEQUENCES, Part, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pgbraid.core.snapshot import Facts

__all__ = [
    "CHANGING",
    "NOTHING_CHANGES",
    "Changing",
    "masked_like",
    "stable_between",
    "without_changing",
]

CHANGING = "<changing>"
"""What stands in a text for a value that differs between two replays of one order."""
_PIECE = re.compile(r"'(?:[^']|'')*'|[\w.:+-]+|\s+|.", re.DOTALL)
"""A literal, a word or a number is masked as a whole: its digits may agree by chance."""
_BY_CHANCE = re.compile(r"[0-9a-f]{8,}|\d+")


@dataclass(frozen=True, slots=True)
class Changing:
    """What differs between two replays of one order.

    ``facts`` are by catalog, object and name; ``names`` are objects whose own names differ, with
    their changing part masked. ``failed`` says which migration ran in one replay and failed in the
    next one, and why.
    """

    facts: frozenset[tuple[str, str, str]] = frozenset()
    names: frozenset[tuple[str, str]] = frozenset()
    failed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.facts or self.names or self.failed)

    def __or__(self, other: Changing) -> Changing:
        return Changing(
            self.facts | other.facts, self.names | other.names, self.failed | other.failed
        )

    def described(self) -> tuple[str, ...]:
        """Return what was not compared, for a person to read."""
        facts = {f"{name}: a part of its {spoken(fact)}" for _, name, fact in self.facts}
        names = {f"{name}: its name" for _, name in self.names}
        found = sorted(
            what.replace("a part of its value", "a part of it") for what in facts | names
        )
        return (
            *(f"{what} differs between two replays of one order" for what in found),
            *(
                f"values that change by themselves: a second replay of one order failed, {what}"
                for what in sorted(self.failed)
            ),
        )


NOTHING_CHANGES = Changing()


def stable_between(one: Snapshot, again: Snapshot) -> tuple[Snapshot, Changing]:
    """Return a snapshot with everything masked that another replay of its order has otherwise.

    Rows and values of sequences are left as they are.
    """
    parts: dict[str, Part] = {}
    parents = dict(one.parents)
    facts: set[tuple[str, str, str]] = set()
    names: set[tuple[str, str]] = set()
    for catalog, part in one.parts.items():
        other = again.parts.get(catalog)
        if catalog in {DATA, SEQUENCES} or other is None or part == other:
            parts[catalog] = part
            continue
        rows: dict[str, Facts] = {}
        for key, values in part.rows.items():
            if key not in other.rows:
                continue
            merged = tuple(map(_masked, values, other.rows[key]))
            rows[key] = merged
            facts |= {
                (catalog, key, name)
                for name, was, now in zip(part.columns, values, merged, strict=True)
                if was != now
            }
        renamed = _renamed(part.rows, part.rows.keys() - other.rows.keys(), parents)
        rows |= renamed
        names |= {(catalog, key) for key in renamed}
        parts[catalog] = Part(part.columns, MappingProxyType(rows))
    stable = replace(one, parts=MappingProxyType(parts), parents=MappingProxyType(parents))
    return stable, Changing(frozenset(facts), frozenset(names))


def _renamed(
    rows: Mapping[str, Facts], keys: Iterable[str], parents: dict[str, str]
) -> dict[str, Facts]:
    """Return objects whose names another replay does not have, numbers in them masked."""
    found: dict[str, Facts] = {}
    for key in sorted(keys):
        name = _BY_CHANCE.sub(CHANGING, key)
        while name in found:
            name += "'"
        found[name] = tuple(v and _BY_CHANCE.sub(CHANGING, v) for v in rows[key])
        if key in parents:
            parents[name] = _BY_CHANCE.sub(CHANGING, parents[key])
    return found


def _masked(one: str | None, other: str | None) -> str | None:
    """Return a text with every piece masked that the other one has otherwise."""
    if one == other:
        return one
    if one is None or other is None:
        return CHANGING
    pieces, others = _PIECE.findall(one), _PIECE.findall(other)
    if len(pieces) == len(others):
        return "".join(a if a == b else CHANGING for a, b in zip(pieces, others, strict=True))
    blocks = SequenceMatcher(None, pieces, others, autojunk=False).get_opcodes()
    return "".join(
        "".join(pieces[start:end]) if kind == "equal" else CHANGING
        for kind, start, end, _, _ in blocks
    )


def without_changing(snapshot: Snapshot, changing: Changing) -> Snapshot:
    """Return a snapshot without the facts, and the objects, that change from replay to replay.

    This is for a search, which replays each order once only.
    """
    if not changing:
        return snapshot
    hidden: dict[str, set[tuple[str, str]]] = {}
    for catalog, key, fact in changing.facts:
        hidden.setdefault(catalog, set()).add((key, fact))
    parts = dict(snapshot.parts)
    for catalog in hidden.keys() | {catalog for catalog, _ in changing.names}:
        part = snapshot.parts.get(catalog)
        if part is None:
            continue
        facts = hidden.get(catalog, set())
        names = {key for named, key in changing.names if named == catalog}
        rows = {
            key: tuple(
                CHANGING if (key, name) in facts else value
                for name, value in zip(part.columns, values, strict=True)
            )
            for key, values in part.rows.items()
            if _BY_CHANCE.sub(CHANGING, key) not in names
        }
        parts[catalog] = Part(part.columns, MappingProxyType(rows))
    return replace(snapshot, parts=MappingProxyType(parts))


def masked_like(snapshot: Snapshot, stable: Snapshot, changing: Changing) -> Snapshot:
    """Return a snapshot that is masked as a stable one is, where its values fit.

    A value fits that differs from the stable one in nothing but what changes there.
    """
    parts = dict(snapshot.parts)
    for catalog, part in snapshot.parts.items():
        other = stable.parts.get(catalog)
        facts = {(key, fact) for named, key, fact in changing.facts if named == catalog}
        names = {key for named, key in changing.names if named == catalog}
        if other is None or not (facts or names):
            continue
        rows = {}
        for key, values in part.rows.items():
            name = _BY_CHANCE.sub(CHANGING, key)
            if key not in other.rows and name in names:
                rows[name] = tuple(v and _BY_CHANCE.sub(CHANGING, v) for v in values)
                continue
            known = other.rows.get(key, values)
            rows[key] = tuple(
                was if (key, fact) in facts and _fits(was, value) else value
                for fact, value, was in zip(part.columns, values, known, strict=True)
            )
        parts[catalog] = Part(part.columns, MappingProxyType(rows))
    return replace(snapshot, parts=MappingProxyType(parts))


def _fits(stable: str | None, value: str | None) -> bool:
    """Whether a value is the stable one but for what changes."""
    if stable is None or value is None:
        return stable == CHANGING
    pattern = ".*?".join(map(re.escape, stable.split(CHANGING)))
    return re.fullmatch(pattern, value, re.DOTALL) is not None
