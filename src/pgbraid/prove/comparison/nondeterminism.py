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

from pgbraid.model.catalog_names import display_name
from pgbraid.model.snapshot import DATA, SEQUENCES, CatalogRows, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from pgbraid.model.snapshot import Facts

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
_TIME = r"\d{4,}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[+-]\d\d(?::?\d\d){0,2}|Z)?)?"
_WORD = rf"{_TIME}|[\w.:+-]+|\s+|."
_PIECE = re.compile(rf"'(?:[^']|'')*'|{_WORD}", re.DOTALL)
"""A word, a number or a time is masked as a whole: its digits may agree by chance."""
_IN_A_LITERAL = re.compile(_WORD, re.DOTALL)
_SAYS_SOMETHING = re.compile(r"[^\W\d_]{2}")
"""What a word has that is more than a number or a part of a time."""
_BY_CHANCE = re.compile(r"[0-9a-f]{8,}|\d+")
_BETWEEN_NAMES = re.compile(r"[\s.]+")
_LONG = 6
"""Digits of a number that stands for nothing else, such as a time."""
_MOVING = r"([0-9a-f]{8,}|\d+)"


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
        facts = {f"{name}: a part of its {display_name(fact)}" for _, name, fact in self.facts}
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
    parts: dict[str, CatalogRows] = {}
    parents = dict(one.parents)
    facts: set[tuple[str, str, str]] = set()
    names: set[tuple[str, str]] = set()
    for catalog, part in one.catalogs.items():
        other = again.catalogs.get(catalog)
        if catalog in {DATA, SEQUENCES} or other is None or part == other:
            parts[catalog] = part
            continue
        rows: dict[str, Facts] = {}
        for key, values in part.rows.items():
            if key not in other.rows:
                continue
            merged = tuple(map(_masked, values, other.rows[key]))
            rows[key] = merged
            facts |= _changed(catalog, key, part.columns, values, merged)
        ours = _renamed(part.rows, other.rows, parents)
        theirs = _renamed(other.rows, part.rows, {})
        for name, values in ours.items():
            merged = tuple(map(_masked, values, theirs.get(name, values)))
            rows[name] = merged
            names.add((catalog, name))
            facts |= _changed(catalog, name, part.columns, values, merged)
        parts[catalog] = CatalogRows(part.columns, MappingProxyType(rows))
    stable = replace(one, catalogs=MappingProxyType(parts), parents=MappingProxyType(parents))
    return stable, Changing(frozenset(facts), frozenset(names))


def _changed(
    catalog: str, key: str, columns: Iterable[str], values: Facts, merged: Facts
) -> set[tuple[str, str, str]]:
    """Return the facts of an object that are masked, for ``Changing``."""
    return {
        (catalog, key, name)
        for name, was, now in zip(columns, values, merged, strict=True)
        if was != now
    }


def _renamed(
    rows: Mapping[str, Facts], others: Mapping[str, Facts], parents: dict[str, str]
) -> dict[str, Facts]:
    """Return objects whose names another replay does not have, with what changes masked.

    A name is masked as a whole: one number in it may agree by chance. Of the facts only the numbers
    are masked that such a name has.
    """
    missing = sorted(rows.keys() - others.keys())
    if not missing:
        return {}
    known = {word for key in others for word in _numbered(key)}
    found: dict[str, Facts] = {}
    for key in missing:
        words = _numbered(key)
        words = words - known or words
        name = _without(key, words)
        while name in found:
            name += "'"
        found[name] = tuple(value and _without(value, words) for value in rows[key])
        if key in parents:
            parents[name] = _without(parents[key], words)
    return found


def _numbered(key: str) -> set[str]:
    """Return the names in an object's that have a number."""
    return {word for word in _BETWEEN_NAMES.split(key) if _BY_CHANCE.search(word)}


def _without(text: str, words: AbstractSet[str]) -> str:
    """Return a text with the numbers of these names masked; long ones wherever they stand."""
    for word in sorted(words, key=lambda word: (-len(word), word)):
        text = text.replace(word, _BY_CHANCE.sub(CHANGING, word))
    numbers = {n for word in words for n in _BY_CHANCE.findall(word) if len(n) >= _LONG}
    return _BY_CHANCE.sub(lambda found: CHANGING if found[0] in numbers else found[0], text)


def _masked(one: str | None, other: str | None) -> str | None:
    """Return a text with every piece masked that the other one has otherwise."""
    if one == other:
        return one
    if one is None or other is None:
        return CHANGING
    pieces, others = _PIECE.findall(one), _PIECE.findall(other)
    if len(pieces) == len(others):
        return "".join(map(_masked_piece, pieces, others))
    blocks = SequenceMatcher(None, pieces, others, autojunk=False).get_opcodes()
    return "".join(
        "".join(pieces[start:end]) if kind == "equal" else CHANGING
        for kind, start, end, _, _ in blocks
    )


def _masked_piece(one: str, other: str) -> str:
    """Return a piece; of a literal with words that stay, only the others are masked."""
    if one == other:
        return one
    words = _words(one, other)
    if words is None:
        return CHANGING
    return f"'{''.join(a if a == b else CHANGING for a, b in words)}'"


def _words(one: str, other: str) -> list[tuple[str, str]] | None:
    """Return the words of two literals in pairs, if some that say something are the same."""
    ours, theirs = _in_literal(one), _in_literal(other)
    if ours is None or theirs is None or len(ours) != len(theirs):
        return None
    pairs = list(zip(ours, theirs, strict=True))
    stays = any(a == b and _SAYS_SOMETHING.search(a) for a, b in pairs)
    return pairs if stays else None


def _in_literal(piece: str) -> list[str] | None:
    """Return the words of a piece that is a literal."""
    return _IN_A_LITERAL.findall(piece[1:-1]) if piece[:1] == "'" and len(piece) > 1 else None


def without_changing(snapshot: Snapshot, changing: Changing) -> Snapshot:
    """Return a snapshot without the facts, and the objects, that change from replay to replay.

    This is for a search, which replays each order once only.
    """
    if not changing:
        return snapshot
    hidden: dict[str, set[tuple[str, str]]] = {}
    for catalog, key, fact in changing.facts:
        hidden.setdefault(catalog, set()).add((key, fact))
    parts = dict(snapshot.catalogs)
    for catalog in hidden.keys() | {catalog for catalog, _ in changing.names}:
        part = snapshot.catalogs.get(catalog)
        if part is None:
            continue
        facts = hidden.get(catalog, set())
        names = _Names(key for named, key in changing.names if named == catalog)
        rows = {
            key: tuple(
                CHANGING if (key, name) in facts else value
                for name, value in zip(part.columns, values, strict=True)
            )
            for key, values in part.rows.items()
            if names.of(key) is None
        }
        parts[catalog] = CatalogRows(part.columns, MappingProxyType(rows))
    return replace(snapshot, catalogs=MappingProxyType(parts))


class _Names:
    """The names of objects of which a part changes; they tell whose name another one is."""

    def __init__(self, names: Iterable[str]) -> None:
        self._patterns = [
            (name, re.compile(_MOVING.join(map(re.escape, name.split(CHANGING)))))
            for name in sorted(names)
        ]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def of(self, key: str) -> tuple[str, AbstractSet[str]] | None:
        """Return which name an object's is, and what changes in it; None if it is none of them."""
        for name, pattern in self._patterns:
            if pattern.fullmatch(key):
                words = zip(_BETWEEN_NAMES.split(name), _BETWEEN_NAMES.split(key), strict=True)
                return name, frozenset(word for known, word in words if CHANGING in known)
        return None


def masked_like(
    snapshot: Snapshot, stable: Snapshot, changing: Changing, one: Snapshot, again: Snapshot
) -> Snapshot:
    """Return a snapshot that is masked as a stable one is, where its values fit.

    A value fits that differs from that of ``one`` in nothing but what ``again``, the other replay
    of its order, has otherwise as well.
    """
    parts = dict(snapshot.catalogs)
    for catalog, part in snapshot.catalogs.items():
        other = stable.catalogs.get(catalog)
        facts = {(key, fact) for named, key, fact in changing.facts if named == catalog}
        names = _Names(key for named, key in changing.names if named == catalog)
        if other is None or not (facts or names):
            continue
        replays = (one.catalogs[catalog].rows, again.catalogs[catalog].rows)
        nothing: Facts = (None,) * len(part.columns)
        rows: dict[str, Facts] = {}
        for key, values in sorted(part.rows.items()):
            name, words = (key not in other.rows and names.of(key)) or (key, frozenset[str]())
            if name in rows or name not in other.rows:
                rows[key] = values
                continue
            found = (value and _without(value, words) for value in values)
            known = zip(*(replay.get(key, nothing) for replay in replays), strict=True)
            rows[name] = tuple(
                was if (name, fact) in facts and _fits(was, value, *both) else value
                for fact, value, was, both in zip(
                    part.columns, found, other.rows[name], known, strict=True
                )
            )
        parts[catalog] = CatalogRows(part.columns, MappingProxyType(rows))
    return replace(snapshot, catalogs=MappingProxyType(parts))


def _fits(stable: str | None, value: str | None, one: str | None, again: str | None) -> bool:
    """Whether a value is the stable one but for what changes."""
    if stable is None or value is None:
        return stable == CHANGING
    if one is not None and again is not None:
        pieces, others, found = (_PIECE.findall(text) for text in (one, again, value))
        if len(pieces) == len(others):
            same = len(found) == len(pieces)
            return same and all(map(_piece_fits, found, pieces, others))
    pattern = ".*?".join(map(re.escape, stable.split(CHANGING)))
    return re.fullmatch(pattern, value, re.DOTALL) is not None


def _piece_fits(value: str, one: str, again: str) -> bool:
    """Whether a piece is the one that two replays have, or stands for one that changes."""
    if one in {again, value}:
        return value == one
    words, found = _words(one, again), _in_literal(value)
    if words is None:
        return (found is None) == (_in_literal(one) is None)
    return (
        found is not None
        and len(found) == len(words)
        and all(a != b or word == a for word, (a, b) in zip(found, words, strict=True))
    )
