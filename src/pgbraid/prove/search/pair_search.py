"""Finds two migrations that do not commute, where two orders do not end the same.

The likeliest pairs, by the names that their texts share, are tried first, behind the few
migrations that they need. Where none of them shows the difference, the chain of orders between the
two, each by one swap of neighbours from the next, is bisected down to a swap that changes the
result. Then the migrations that stand before that swap are reduced to those that the pair needs.
Both orders of the pair are replayed on databases.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.model.proof import ConflictingPair
from pgbraid.prove.comparison.compare_results import compare_kept
from pgbraid.prove.search.difference_aspect import Aspect
from pgbraid.prove.search.minimize import (
    Budget,
    Minimal,
    PairReplay,
    grown_context,
    minimal_context,
)
from pgbraid.prove.search.orders import bisect_change
from pgbraid.prove.search.shared_words import Words, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ReplayResult
    from pgbraid.model.snapshot import Difference
    from pgbraid.prove.replay.replayer import Base, KeptReplay, Replayer
    from pgbraid.prove.search.orders import Swap, SwapChain

    Replay = Callable[[Base, Sequence[Migration]], ReplayResult]

__all__ = ["Budget", "PairSearch"]

_GUESSES = 3
_GUESSING = 0.4
"""How many pairs are tried before the bisection, and in which part of the search's time."""
_LONG_CHAIN = 5_000
"""Swaps above which all are as likely: to weigh them would take as long as a replay."""


class PairSearch:
    """A search between two orders that begin with ``base``, which it makes again if it must."""

    def __init__(
        self,
        replayer: Replayer,
        base: Base,
        chain: SwapChain[Migration],
        tell: Callable[[str], None],
    ) -> None:
        self.replayer, self.base, self.chain = replayer, base, chain
        self.words = Words(replayer.text_of)
        self._tell = tell

    def find(
        self,
        aspect: Aspect,
        ends: dict[int, ReplayResult],
        replays: Sequence[Replay],
        budget: Budget,
    ) -> ConflictingPair | None:
        """Return a pair; where it does not hold on databases, look again in the next way.

        ``ends`` are the results of the first and the last order of the chain. The bisection is not
        bounded: the pair is found all the same when the time of ``budget`` is up.
        """
        likelihoods = self._likelihoods(aspect)
        guessed = self._guessed(aspect, likelihoods, replays[0], budget)
        if guessed:
            return guessed
        for replay in replays:
            swap, results = self._search(aspect, likelihoods, ends, replay)
            aspects = self._aspects(aspect, swap, results)
            pair = self._confirmed(swap, aspects, replay, budget)
            if pair:
                return pair
            if budget.is_spent:
                break
            if not self.replayer.has(self.base):
                self.base, _ = self.replayer.base(self.base.prefix)
        return None

    def _guessed(
        self, aspect: Aspect, likelihoods: list[float], replay: Replay, budget: Budget
    ) -> ConflictingPair | None:
        """Try the likeliest pairs behind few migrations, which takes less than to replay all."""
        if self.base.shares or (aspect.facet is None and not aspect.failures):
            return None
        likely = sorted(range(len(likelihoods)), key=lambda n: -likelihoods[n])[:_GUESSES]
        root, _ = self.replayer.base(())
        growing = budget.part(_GUESSING)
        try:
            for number in likely:
                if growing.is_spent:
                    break
                swap = self.chain.swap(number)
                whole = replace(swap, before=(*self.base.prefix, *swap.before))
                example = PairReplay(self.replayer, root, whole, replay, self.words)
                found = grown_context(example, aspect, growing, budget)
                pair = self._replayed(example, root, found) if found else None
                if pair:
                    return pair
        finally:
            self.replayer.release(root)
        return None

    def _likelihoods(self, aspect: Aspect) -> list[float]:
        """Return how likely each swap of the chain is to change the result, by the texts."""
        if len(self.chain) > _LONG_CHAIN:
            return []
        said = (*aspect.names, *(f.diagnostic.message for f in aspect.failures))
        asked = words_of(" ".join(said))
        return self.words.likelihoods(self.chain.pairs(), self.chain[0], asked)

    def _search(
        self,
        aspect: Aspect,
        likelihoods: list[float],
        ends: dict[int, ReplayResult],
        replay: Replay,
    ) -> tuple[Swap[Migration], tuple[ReplayResult, ReplayResult]]:
        """Bisect the chain between the orders for a swap that changes the result.

        Where one end fails and the other does not, the swap is between one that fails and one
        that does not. Returns it, and what the two orders come to.
        """
        results = dict(ends)
        failing = [end.failure is not None for end in ends.values()]
        one_fails = failing[0] != failing[-1]
        self.replayer.scope = aspect.scope

        def differs(low: int, middle: int) -> bool:
            self._tell("an order between")
            results[middle] = replay(self.base, self.chain[middle])
            one, other = results[low], results[middle]
            if one_fails:
                return (one.failure is None) != (other.failure is None)
            return aspect.differ(one, other)

        number = bisect_change(len(self.chain), differs, likelihoods)
        swap = self.chain.swap(number)
        before = (*self.base.prefix, *swap.before)
        return replace(swap, before=before), (results[number], results[number + 1])

    @staticmethod
    def _aspects(
        asked: Aspect, swap: Swap[Migration], results: tuple[ReplayResult, ReplayResult]
    ) -> tuple[Aspect, ...]:
        """Return the aspects in which the pair of a swap is looked at.

        Where a migration behind the pair fails, the pair's own difference explains more than that.
        """
        failures = [result.failure for result in results if result.failure]
        if not failures:
            return (asked,)
        own = any(f.migration in {swap.first, swap.second} for f in failures)
        failing = asked.failing(failures)
        return (failing,) if own else (Aspect.any(None), failing)

    def _confirmed(
        self, swap: Swap[Migration], aspects: tuple[Aspect, ...], replay: Replay, budget: Budget
    ) -> ConflictingPair | None:
        """Reduce the context of a pair, and replay both of its orders on databases.

        Returns None where they do not show there what the search saw.
        """
        if self.base.shares:
            self.replayer.release(self.base)
        root, _ = self.replayer.base(())
        self._tell("smaller and smaller examples")
        try:
            example = PairReplay(self.replayer, root, swap, replay, self.words)
            found = minimal_context(example, aspects, budget)
            pair = self._replayed(example, root, found)
            whole = (*swap.before, *swap.after)
            if pair is None and found.context != whole:
                pair = self._replayed(example, root, replace(found, context=whole, proven=False))
            return pair
        finally:
            self.replayer.release(root)

    def _replayed(self, example: PairReplay, root: Base, found: Minimal) -> ConflictingPair | None:
        """Replay a pair in both orders on databases; None where they do not differ as asked."""
        orders = example.orders(found.context)
        prefix = self.base.prefix
        where, done = root, 0
        if self.replayer.has(self.base) and tuple(orders[0][: len(prefix)]) == prefix:
            where, done = self.base, len(prefix)
        aspect = found.aspect
        # A context that could not be made small in time is not replayed twice for each order.
        compare = _compared if found.proven or aspect.facet is None else partial(_asked, aspect)
        left, right, differences = compare(self.replayer, where, [o[done:] for o in orders])
        asked = [d for d in differences if aspect.is_about(d)]
        shown = bool(asked) if not aspect.failures else aspect.shown_by(left, right)
        if not shown:
            return None
        swap = example.swap
        return ConflictingPair(
            tuple(m for m in found.context if m in swap.before),
            swap.first,
            swap.second,
            (*asked, *(d for d in differences if d not in asked)),
            left.failure,
            right.failure,
            tuple(m for m in found.context if m in swap.after),
            minimal=found.proven,
        )


def _compared(
    replayer: Replayer, base: Base, orders: Sequence[Sequence[Migration]]
) -> tuple[ReplayResult, ReplayResult, tuple[Difference, ...]]:
    """Replay two orders, each twice where they differ, and return all they differ in."""
    kept: list[KeptReplay] = []
    try:
        kept = [replayer.keep(base, order) for order in orders]
        left, right = kept
        if left.result.failure or right.result.failure:
            return left.result, right.result, ()

        def again(side: str) -> KeptReplay:
            return replayer.keep(base, orders[side == "right"])

        found = compare_kept(replayer, left, right, again)
        return left.result, right.result, found.differences
    finally:
        for one in kept:
            replayer.drop(one.name)


def _asked(
    aspect: Aspect, replayer: Replayer, base: Base, orders: Sequence[Sequence[Migration]]
) -> tuple[ReplayResult, ReplayResult, tuple[Difference, ...]]:
    """Replay two orders once and return what they differ in of what is asked about."""
    replayer.scope = aspect.scope
    left, right = (replayer.replay(base, order) for order in orders)
    return left, right, aspect.differences(left, right)
