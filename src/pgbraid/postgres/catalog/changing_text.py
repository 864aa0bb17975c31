"""Finds the constant parts of texts that change from replay to replay, such as JSON with a time.

A text is split into words and separators. Texts with the same separators have the same shape. In
a shape, a word changes if two replays of one order do not have it equally often at its place. All
other words must be the same in the other order, too.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Texts", "constant_parts"]

_WORD = re.compile(r"([\w.:+-]+)")
_CHANGES = "\0"

_Shape = tuple[str, ...]
_Places = frozenset[tuple[_Shape, int]]


@dataclass(frozen=True, slots=True)
class Texts:
    """The changing values of a column in two replays of one order.

    Each value is stored by its hash: its text, and how many rows have it.
    """

    one: Mapping[int, tuple[str, int]]
    again: Mapping[int, tuple[str, int]]


def constant_parts(*orders: Texts) -> tuple[dict[int, str], ...] | None:
    """Return a digest of the constant part of each text, for the first replay of each order.

    The keys are the hashes of the texts. Return None if no part is constant, or if the two
    replays of an order cannot be matched.
    """
    if not all(_shapes(texts.one.values()) == _shapes(texts.again.values()) for texts in orders):
        return None
    changing = frozenset[tuple[_Shape, int]]().union(*map(_changing, orders))
    # The masked texts must be the same in both replays, or the words were matched wrongly.
    for texts in orders:
        counts = [_counted(values.values(), changing) for values in (texts.one, texts.again)]
        if counts[0] != counts[1]:
            return None
    masked = tuple(
        {value: _masked(text, changing) for value, (text, _) in texts.one.items()}
        for texts in orders
    )
    words = (w for order in masked for text in order.values() for w in _WORD.findall(text))
    if not any(words):
        return None
    return tuple({v: _digest(text) for v, text in order.items()} for order in masked)


def _shape(text: str) -> tuple[_Shape, list[str]]:
    """Return the separators of a text, and its words."""
    parts = _WORD.split(text)
    return tuple(parts[::2]), parts[1::2]


def _shapes(texts: Iterable[tuple[str, int]]) -> Counter[_Shape]:
    found = Counter[_Shape]()
    for text, number in texts:
        found[_shape(text)[0]] += number
    return found


def _changing(texts: Texts) -> _Places:
    """Return the places, by shape, where the words of two replays differ."""
    words: tuple[dict[tuple[_Shape, int], Counter[str]], ...]
    words = (defaultdict(Counter), defaultdict(Counter))
    for values, counted in zip((texts.one, texts.again), words, strict=True):
        for text, number in values.values():
            shape, listed = _shape(text)
            for place, word in enumerate(listed):
                counted[shape, place][word] += number
    return frozenset(place for place, count in words[0].items() if words[1].get(place) != count)


def _masked(text: str, changing: _Places) -> str:
    shape, words = _shape(text)
    shown = [_CHANGES if (shape, n) in changing else word for n, word in enumerate(words)]
    return "".join(part for pair in zip(shape, [*shown, ""], strict=True) for part in pair)


def _counted(texts: Iterable[tuple[str, int]], changing: _Places) -> Counter[str]:
    found = Counter[str]()
    for text, number in texts:
        found[_masked(text, changing)] += number
    return found


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()
