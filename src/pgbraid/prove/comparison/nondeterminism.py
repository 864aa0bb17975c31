"""Masks the values of a schema that differ between two replays of one order.

A value that depends on the clock or on random numbers differs in every replay, so a difference in
it does not show an effect of the order. Only this value is masked. The text around it is compared,
and the other order must have a changing value in the same place.
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
"""The placeholder for a value that differs between two replays of one order."""
_TIME = r"\d{4,}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[+-]\d\d(?::?\d\d){0,2}|Z)?)?"
_WORD = rf"{_TIME}|[\w.:+-]+|\s+|."
_TOKEN = re.compile(rf"'(?:[^']|'')*'|{_WORD}", re.DOTALL)
"""A literal, word, number or time. It is masked as a whole, as some digits of two random numbers
can be equal."""
_IN_A_LITERAL = re.compile(_WORD, re.DOTALL)
_TWO_LETTERS = re.compile(r"[^\W\d_]{2}")
"""A word with two letters in a row is more than a number or a part of a time."""
_NUMBER = re.compile(r"[0-9a-f]{8,}|\d+")
"""A part of a name that can be random: a decimal number, or a long hexadecimal one."""
_BETWEEN_NAMES = re.compile(r"[\s.]+")
_LONG = 6
"""A number with this many digits, such as a time, is masked wherever it occurs."""
_CHANGING_NUMBER = r"([0-9a-f]{8,}|\d+)"


@dataclass(frozen=True, slots=True)
class Changing:
    """The parts of a schema that differ between two replays of one order.

    ``facts`` names each changing attribute by catalog, object and attribute name. ``names`` has
    catalog and masked name of each object whose own name changes. ``failed`` has the migration that
    failed in the second replay only, with its error.
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
        """Return the lines that tell the user which values were not compared."""
        facts = {f"{name}: a part of its {display_name(fact)}" for _, name, fact in self.facts}
        names = {f"{name}: its name" for _, name in self.names}
        parts = sorted(
            part.replace("a part of its value", "a part of it") for part in facts | names
        )
        return (
            *(f"{part} differs between two replays of one order" for part in parts),
            *(
                f"values that change by themselves: a second replay of one order failed, {failure}"
                for failure in sorted(self.failed)
            ),
        )


NOTHING_CHANGES = Changing()


def stable_between(one: Snapshot, again: Snapshot) -> tuple[Snapshot, Changing]:
    """Mask the values of a snapshot that differ in another replay of the same order.

    Return also what was masked. Rows and values of sequences are not masked.
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
                continue  # an object with a changing name: see _renamed
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
    """Return the masked attributes of an object, for ``Changing.facts``."""
    return {
        (catalog, key, name)
        for name, was, now in zip(columns, values, merged, strict=True)
        if was != now
    }


def _renamed(
    rows: Mapping[str, Facts], others: Mapping[str, Facts], parents: dict[str, str]
) -> dict[str, Facts]:
    """Return the objects whose names another replay lacks, with their numbers masked.

    In a name that changes, all numbers are masked, because one of several random numbers can be
    equal in two replays. In the attributes of the objects, only numbers that such a name contains
    are masked.
    """
    missing = sorted(rows.keys() - others.keys())
    if not missing:
        return {}
    stable = {word for key in others for word in _numbered(key)}
    renamed: dict[str, Facts] = {}
    for key in missing:
        words = _numbered(key)
        # Prefer the parts that the other replay lacks; numbers of other parts may be constant.
        words = words - stable or words
        name = _without(key, words)
        # Several objects can have the same name once it is masked.
        while name in renamed:
            name += "'"
        renamed[name] = tuple(value and _without(value, words) for value in rows[key])
        if key in parents:
            parents[name] = _without(parents[key], words)
    return renamed


def _numbered(key: str) -> set[str]:
    """Return the parts with a number of an object's qualified name."""
    return {word for word in _BETWEEN_NAMES.split(key) if _NUMBER.search(word)}


def _without(text: str, words: AbstractSet[str]) -> str:
    """Mask the numbers of these names in a text; mask long numbers also outside of the names."""
    # Longer names first: a name can be a part of another one.
    for word in sorted(words, key=lambda word: (-len(word), word)):
        text = text.replace(word, _NUMBER.sub(CHANGING, word))
    numbers = {n for word in words for n in _NUMBER.findall(word) if len(n) >= _LONG}
    return _NUMBER.sub(lambda match: CHANGING if match[0] in numbers else match[0], text)


def _masked(one: str | None, other: str | None) -> str | None:
    """Mask the tokens of a text in which another text differs."""
    if one == other:
        return one
    if one is None or other is None:
        return CHANGING
    tokens, others = _TOKEN.findall(one), _TOKEN.findall(other)
    if len(tokens) == len(others):
        return "".join(map(_masked_token, tokens, others))
    # autojunk would ignore frequent tokens, such as spaces, in texts of 200 tokens or more.
    blocks = SequenceMatcher(None, tokens, others, autojunk=False).get_opcodes()
    return "".join(
        "".join(tokens[start:end]) if kind == "equal" else CHANGING
        for kind, start, end, _, _ in blocks
    )


def _masked_token(one: str, other: str) -> str:
    """Mask a token that differs; if it is a literal with equal words, mask only the other words."""
    if one == other:
        return one
    words = _words(one, other)
    if words is None:
        return CHANGING
    return f"'{''.join(a if a == b else CHANGING for a, b in words)}'"


def _words(one: str, other: str) -> list[tuple[str, str]] | None:
    """Return the words of two literals in pairs, if at least one real word is equal in both."""
    ours, theirs = _in_literal(one), _in_literal(other)
    if ours is None or theirs is None or len(ours) != len(theirs):
        return None
    pairs = list(zip(ours, theirs, strict=True))
    equal = any(a == b and _TWO_LETTERS.search(a) for a, b in pairs)
    return pairs if equal else None


def _in_literal(token: str) -> list[str] | None:
    """Return the words of a literal; None for any other token."""
    return _IN_A_LITERAL.findall(token[1:-1]) if token[:1] == "'" and len(token) > 1 else None


def without_changing(snapshot: Snapshot, changing: Changing) -> Snapshot:
    """Return a snapshot without the changing attributes and the objects with changing names.

    This is for a search, which replays each order only once.
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
    """Masked names of objects, as patterns for names in other replays."""

    def __init__(self, names: Iterable[str]) -> None:
        self._patterns = [
            (name, re.compile(_CHANGING_NUMBER.join(map(re.escape, name.split(CHANGING)))))
            for name in sorted(names)
        ]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def of(self, key: str) -> tuple[str, AbstractSet[str]] | None:
        """Return the masked name that an object's name fits, and its changing parts, or None."""
        for name, pattern in self._patterns:
            if pattern.fullmatch(key):
                words = zip(_BETWEEN_NAMES.split(name), _BETWEEN_NAMES.split(key), strict=True)
                return name, frozenset(word for masked, word in words if CHANGING in masked)
        return None


def masked_like(
    snapshot: Snapshot, stable: Snapshot, changing: Changing, one: Snapshot, again: Snapshot
) -> Snapshot:
    """Mask the values of a snapshot as in ``stable``, if they fit.

    ``one`` and ``again`` are the two replays of the order that ``stable`` was made from. A value
    fits if each of its differences from ``one`` is in a place where ``again`` differs from ``one``.
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
            # An object whose name is not in the replay may have a changing name.
            name, words = (key not in other.rows and names.of(key)) or (key, frozenset[str]())
            if name in rows or name not in other.rows:
                rows[key] = values
                continue
            masked = (value and _without(value, words) for value in values)
            replayed = zip(*(replay.get(key, nothing) for replay in replays), strict=True)
            rows[name] = tuple(
                was if (name, fact) in facts and _fits(was, value, *both) else value
                for fact, value, was, both in zip(
                    part.columns, masked, other.rows[name], replayed, strict=True
                )
            )
        parts[catalog] = CatalogRows(part.columns, MappingProxyType(rows))
    return replace(snapshot, catalogs=MappingProxyType(parts))


def _fits(stable: str | None, value: str | None, one: str | None, again: str | None) -> bool:
    """Return whether a value equals the stable value, except for its masked tokens."""
    if stable is None or value is None:
        return stable == CHANGING
    if one is not None and again is not None:
        ones, agains, tokens = (_TOKEN.findall(text) for text in (one, again, value))
        if len(ones) == len(agains):
            return len(tokens) == len(ones) and all(map(_token_fits, tokens, ones, agains))
    pattern = ".*?".join(map(re.escape, stable.split(CHANGING)))
    return re.fullmatch(pattern, value, re.DOTALL) is not None


def _token_fits(value: str, one: str, again: str) -> bool:
    """Return whether a token equals that of both replays, or is in the place of a changing one."""
    if one in {again, value}:
        return value == one
    pairs, words = _words(one, again), _in_literal(value)
    if pairs is None:
        return (words is None) == (_in_literal(one) is None)
    return (
        words is not None
        and len(words) == len(pairs)
        and all(a != b or word == a for word, (a, b) in zip(words, pairs, strict=True))
    )
