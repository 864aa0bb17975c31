"""Orders of the same migrations: how far two are apart, and the orders on the way between them.

Bubble sort turns one order into another by as many swaps of neighbours as there are inversions,
pairs that stand in one order here and in the other there. Where every swap leaves the result as it
was, the two orders end the same; where they do not, some swap on the way changes it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Swap", "SwapChain", "bisect_change", "common_prefix", "ddmin", "out_of_order"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Swap(Generic[T]):
    """Two neighbours, in the order they stand in first, what stands before them, and behind."""

    before: tuple[T, ...]
    first: T
    second: T
    after: tuple[T, ...] = ()


class SwapChain(Generic[T]):
    """The orders between two, each by one swap of neighbours from the next.

    Number 0 is the one given, number ``len(chain)`` the other one.
    """

    __slots__ = ("_key", "_ranks", "_start", "_sums")

    def __init__(self, start: Sequence[T], end: Sequence[T], key: Callable[[T], int]) -> None:
        self._ranks = {key(item): place for place, item in enumerate(end)}
        self._key = key
        self._start = tuple(start)
        seen: list[int] = []
        moves = []
        for item in self._start:
            place = self._rank(item)
            moves.append(len(seen) - bisect_right(seen, place))
            insort(seen, place)
        self._sums = [0, *accumulate(moves)]

    def _rank(self, item: T) -> int:
        return self._ranks[self._key(item)]

    def __len__(self) -> int:
        """Return the number of inversions."""
        return self._sums[-1]

    def __getitem__(self, number: int) -> tuple[T, ...]:
        """Return the order after so many swaps."""
        item = bisect_right(self._sums, number) - 1
        if item >= len(self._start):
            return tuple(sorted(self._start, key=self._rank))
        done = sorted(self._start[:item], key=self._rank)
        done.insert(len(done) - (number - self._sums[item]), self._start[item])
        return (*done, *self._start[item + 1 :])

    def pairs(self) -> Iterator[tuple[T, T]]:
        """Yield the two that each swap swaps, in the order of the swaps."""
        done: list[T] = []
        for item in self._start:
            place = bisect_right(done, self._rank(item), key=self._rank)
            for passed in reversed(done[place:]):
                yield passed, item
            done.insert(place, item)

    def swap(self, number: int) -> Swap[T]:
        """Return what is swapped between this order and the next one."""
        this, other = self[number], self[number + 1]
        place = next(i for i, (a, b) in enumerate(zip(this, other, strict=True)) if a is not b)
        return Swap(this[:place], this[place], this[place + 1], this[place + 2 :])


def common_prefix(left: Sequence[T], right: Sequence[T]) -> tuple[T, ...]:
    """Return what both orders begin with."""
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return tuple(left[:length])


def out_of_order(order: Sequence[T], key: Callable[[T], int]) -> tuple[T, ...]:
    """Return those that come behind one of a higher version, in their order."""
    highest, found = -1, []
    for item in order:
        if key(item) < highest:
            found.append(item)
        highest = max(highest, key(item))
    return tuple(found)


def bisect_change(
    length: int, differs: Callable[[int, int], bool], likelihoods: Sequence[float] = ()
) -> int:
    """Return a number from 0 below ``length`` whose order and the next one do not end the same.

    The orders 0 and ``length`` must not. ``differs`` is asked about two numbers, at most the
    logarithm of the length times. ``likelihoods`` say how likely the change is to be at each
    number: each question then halves what is left of the likelihood, not of the numbers.
    """
    sums = [0.0, *accumulate(likelihoods)] if likelihoods else range(length + 1)
    low, high = 0, length
    while high - low > 1:
        half = (sums[low] + sums[high]) / 2
        middle = bisect_right(sums, half, low + 1, high - 1)
        if middle > low + 1 and half - sums[middle - 1] <= sums[middle] - half:
            middle -= 1
        if differs(low, middle):
            high = middle
        else:
            low = middle
    return low


def ddmin(items: Sequence[T], holds: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Return as few of the items, in their order, as still hold: none of them can be left out.

    All of them must hold. This is Zeller's ddmin, which begins with halves.
    """
    kept = tuple(items)
    if not kept or holds(()):
        return ()
    pieces = 2
    while len(kept) > 1:
        size = -(-len(kept) // pieces)
        for start in range(0, len(kept), size):
            rest = (*kept[:start], *kept[start + size :])
            if rest and holds(rest):
                kept, pieces = rest, max(pieces - 1, 2)
                break
        else:
            if size == 1:
                break
            pieces = min(pieces * 2, len(kept))
    return kept
