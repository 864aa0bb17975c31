"""What stays of texts of which only a part changes from replay to replay, such as JSON with a time.

A text is taken for words and what stands between them. Texts with the same number of words and the
same signs between them have one shape. Of a shape, a word changes that two replays of one order do
not have equally often at its place; the others must be the same in the other order.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Texts", "what_stays"]

_WORD = re.compile(r"([\w.:+-]+)")
_CHANGES = "\0"

_Shape = tuple[str, ...]
_Places = frozenset[tuple[_Shape, int]]


@dataclass(frozen=True, slots=True)
class Texts:
    """The values of a column that change, in two replays of one order.

    By its hash, each has its text and how often it is there.
    """

    one: Mapping[int, tuple[str, int]]
    again: Mapping[int, tuple[str, int]]


def what_stays(*orders: Texts) -> tuple[dict[int, str], ...] | None:
    """Return what stays of each text, by its hash, for the first replay of each order.

    It is told as a digest. Returns None where nothing stays, or where it cannot be told.
    """
    if not all(_shapes(texts.one.values()) == _shapes(texts.again.values()) for texts in orders):
        return None
    changing = frozenset[tuple[_Shape, int]]().union(*map(_changing, orders))
    for texts in orders:
        counts = [_counted(values.values(), changing) for values in (texts.one, texts.again)]
        if counts[0] != counts[1]:
            return None
    found = tuple(
        {value: _stays(text, changing) for value, (text, _) in texts.one.items()}
        for texts in orders
    )
    words = (w for order in found for left in order.values() for w in _WORD.findall(left))
    if not any(words):
        return None
    return tuple({v: _digest(text) for v, text in order.items()} for order in found)


def _shape(text: str) -> tuple[_Shape, list[str]]:
    """Return what stands between a text's words, and the words."""
    pieces = _WORD.split(text)
    return tuple(pieces[::2]), pieces[1::2]


def _shapes(texts: Iterable[tuple[str, int]]) -> Counter[_Shape]:
    found = Counter[_Shape]()
    for text, number in texts:
        found[_shape(text)[0]] += number
    return found


def _changing(texts: Texts) -> _Places:
    """Return the places, by shape, at which the words of two replays are not the same."""
    words: tuple[dict[tuple[_Shape, int], Counter[str]], ...]
    words = (defaultdict(Counter), defaultdict(Counter))
    for values, counted in zip((texts.one, texts.again), words, strict=True):
        for text, number in values.values():
            shape, found = _shape(text)
            for place, word in enumerate(found):
                counted[shape, place][word] += number
    return frozenset(place for place, found in words[0].items() if words[1].get(place) != found)


def _stays(text: str, changing: _Places) -> str:
    shape, words = _shape(text)
    kept = [_CHANGES if (shape, n) in changing else word for n, word in enumerate(words)]
    return "".join(part for pair in zip(shape, [*kept, ""], strict=True) for part in pair)


def _counted(texts: Iterable[tuple[str, int]], changing: _Places) -> Counter[str]:
    found = Counter[str]()
    for text, number in texts:
        found[_stays(text, changing)] += number
    return found


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()
