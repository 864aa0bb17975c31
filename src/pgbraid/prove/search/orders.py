"""Orders of the same migrations: their inversions, and the intermediate orders between two orders.

An inversion is a pair of migrations that two orders run in a different order. Swaps of neighbours,
one for each inversion, turn one order into the other. If no swap changes the result, the two orders
end the same. If they end differently, at least one swap changes the result.
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
    """Two neighbours in their first order, with the items before and after them."""

    before: tuple[T, ...]
    first: T
    second: T
    after: tuple[T, ...] = ()


class SwapChain(Generic[T]):
    """The orders from one order to another; each differs from the previous one by one swap.

    Number 0 is ``start``, number ``len(chain)`` is ``end``. An order is computed when it is read.
    """

    __slots__ = ("_key", "_ranks", "_start", "_sums")

    def __init__(self, start: Sequence[T], end: Sequence[T], key: Callable[[T], int]) -> None:
        self._ranks = {key(item): place for place, item in enumerate(end)}
        self._key = key
        self._start = tuple(start)
        seen: list[int] = []
        moves = []
        # An insertion sort: each item moves over the earlier ones with a higher rank.
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
        """Return the order after this number of swaps."""
        # The items before this one are in place; it has made a part of its moves.
        item = bisect_right(self._sums, number) - 1
        if item >= len(self._start):
            return tuple(sorted(self._start, key=self._rank))
        in_place = sorted(self._start[:item], key=self._rank)
        in_place.insert(len(in_place) - (number - self._sums[item]), self._start[item])
        return (*in_place, *self._start[item + 1 :])

    def pairs(self) -> Iterator[tuple[T, T]]:
        """Yield the two items of each swap, in the order of the swaps."""
        in_place: list[T] = []
        for item in self._start:
            place = bisect_right(in_place, self._rank(item), key=self._rank)
            for passed in reversed(in_place[place:]):
                yield passed, item
            in_place.insert(place, item)

    def swap(self, number: int) -> Swap[T]:
        """Return the swap between this order and the next one."""
        this, other = self[number], self[number + 1]
        place = next(i for i, (a, b) in enumerate(zip(this, other, strict=True)) if a is not b)
        return Swap(this[:place], this[place], this[place + 1], this[place + 2 :])


def common_prefix(left: Sequence[T], right: Sequence[T]) -> tuple[T, ...]:
    """Return the items that both orders begin with."""
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return tuple(left[:length])


def out_of_order(order: Sequence[T], key: Callable[[T], int]) -> tuple[T, ...]:
    """Return the items that follow one with a higher key, in their order."""
    highest, items = -1, []
    for item in order:
        if key(item) < highest:
            items.append(item)
        highest = max(highest, key(item))
    return tuple(items)


def bisect_change(
    length: int, differs: Callable[[int, int], bool], likelihoods: Sequence[float] = ()
) -> int:
    """Return a number ``n`` below ``length`` so that the orders n and n + 1 end differently.

    The orders 0 and ``length`` must end differently. ``differs`` compares the results of two
    numbers; it is called about log2 of the length times. ``likelihoods`` has for each number the
    likelihood that the change is there. With ``likelihoods``, each step halves the remaining
    likelihood instead of the remaining numbers, so there can be more calls.
    """
    sums = [0.0, *accumulate(likelihoods)] if likelihoods else range(length + 1)
    low, high = 0, length
    while high - low > 1:
        target = (sums[low] + sums[high]) / 2
        # Choose the number whose sum is nearest to half of the remaining likelihood.
        middle = bisect_right(sums, target, low + 1, high - 1)
        if middle > low + 1 and target - sums[middle - 1] <= sums[middle] - target:
            middle -= 1
        if differs(low, middle):
            high = middle
        else:
            low = middle
    return low


def ddmin(items: Sequence[T], holds: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Return a part of the items, in their order, for which ``holds`` returns True.

    No single item of the result can be left out (it is 1-minimal). ``holds`` must return True for
    all items. This is Zeller's algorithm ddmin (delta debugging), without its test of each part
    alone.
    """
    minimal = tuple(items)
    if not minimal or holds(()):
        return ()
    parts = 2
    while len(minimal) > 1:
        size = -(-len(minimal) // parts)
        for start in range(0, len(minimal), size):
            rest = (*minimal[:start], *minimal[start + size :])
            if rest and holds(rest):
                minimal, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(minimal))
    return minimal
