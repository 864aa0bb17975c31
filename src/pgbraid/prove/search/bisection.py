"""Bisects the orders between two to a swap that changes the result, in short replays.

The orders that remain begin and end with the same migrations. The common beginning is applied once,
on a copy of the base. The common end is left out if the orders differ without it, too.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from math import ceil, log2
from typing import TYPE_CHECKING

from pgbraid.model.errors import PgbraidError
from pgbraid.prove.search.orders import bisect_change, common_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ReplayResult
    from pgbraid.prove.replay.replayer import Base, Replayer
    from pgbraid.prove.search.budget import Budget
    from pgbraid.prove.search.difference_aspect import Aspect
    from pgbraid.prove.search.orders import Swap, SwapChain

    Replay = Callable[[Base, Sequence[Migration]], ReplayResult]

__all__ = ["Bisection"]

_WORTH_A_COPY = 0.25
"""The plain replays that a copy of a database must save."""


class Bisection:
    """A bisection of a chain of orders on a base with their common beginning."""

    def __init__(
        self,
        replayer: Replayer,
        base: Base,
        chain: SwapChain[Migration],
        aspect: Aspect,
        replay: Replay,
    ) -> None:
        self._replayer, self._chain, self._aspect, self._replay = replayer, chain, aspect, replay
        self._base = self._start = base
        self._length = len(chain[0])
        self._total = len(base.prefix) + self._length
        self._low, self._high = 0, len(chain)
        self._begin, self._end = 0, self._length
        """The part of each order that is replayed on the base."""
        self._results: dict[int, ReplayResult] = {}
        self._one_fails = False
        self._may_copy = self._may_cut = True

    def find(
        self,
        ends: dict[int, ReplayResult],
        likelihoods: Sequence[float],
        budget: Budget,
        report: Callable[[str], None],
    ) -> tuple[Swap[Migration], tuple[ReplayResult, ReplayResult]]:
        """Return a swap that changes the result, and the results of both orders.

        If only one end of the chain fails, the swap is between an order that fails and an order
        that does not. The migrations that were left out are not in ``after`` of the swap. Raises
        what the replays raise.
        """
        self._results = dict(ends)
        self._one_fails = self._differ_in_failing(self._low, self._high)

        def differs(low: int, middle: int) -> bool:
            self._low = low
            self._shorten(budget)
            report("an intermediate order")
            self._results[middle] = self._run(middle, self._end, budget)
            changed = self._differ(low, middle)
            self._low, self._high = (low, middle) if changed else (middle, self._high)
            return changed

        try:
            number = bisect_change(len(self._chain), differs, likelihoods)
        finally:
            # An error of the replays must not be replaced by an error of the cleanup.
            with suppress(PgbraidError):
                self._leave_base()
        swap = self._chain.swap(number)
        after = swap.after[: self._end - len(swap.before) - 2]
        swap = replace(swap, before=(*self._start.prefix, *swap.before), after=after)
        return swap, (self._results[number], self._results[number + 1])

    def _differ(self, low: int, high: int) -> bool:
        if self._one_fails:
            return self._differ_in_failing(low, high)
        return self._aspect.differ(self._results[low], self._results[high])

    def _differ_in_failing(self, low: int, high: int) -> bool:
        return (self._results[low].failure is None) != (self._results[high].failure is None)

    def _run(self, number: int, end: int, budget: Budget) -> ReplayResult:
        """Replay an order up to this place, after the migrations of the base."""
        order = self._chain[number][self._begin : end]
        budget.spend(len(order) / self._total)
        return self._replay(self._base, order)

    def _shorten(self, budget: Budget) -> None:
        """Apply the common beginning of the remaining orders once, and leave out their end."""
        left, right = self._chain[self._low], self._chain[self._high]
        steps = ceil(log2(self._high - self._low))
        begin = len(common_prefix(left, right))
        end = self._length - len(common_prefix(left[::-1], right[::-1]))
        saved = (begin - self._begin) * (steps - 1)
        if self._may_copy and saved > _WORTH_A_COPY * self._total:
            self._advance(begin, budget)
        # Both ends are replayed once more to see whether they differ without the common end.
        if self._may_cut and (self._end - end) * steps > 2 * (end - self._begin):
            self._cut(end, budget)

    def _advance(self, begin: int, budget: Budget) -> None:
        more = self._chain[self._low][self._begin : begin]
        budget.spend(len(more) / self._total)
        ahead = self._replayer.advance(self._base, more)
        if ahead is None:
            self._may_copy = False
            return
        self._leave_base()
        self._base, self._begin = ahead, begin

    def _cut(self, end: int, budget: Budget) -> None:
        whole = self._results
        self._results = {n: self._run(n, end, budget) for n in (self._low, self._high)}
        if self._differ(self._low, self._high):
            self._end = end
        else:
            self._results, self._may_cut = whole, False

    def _leave_base(self) -> None:
        if self._base is not self._start:
            self._replayer.release(self._base)
            self._base = self._start
