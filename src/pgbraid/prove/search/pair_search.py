"""Finds two migrations that do not commute, if two orders end differently.

1. Guess: try the pairs whose texts share the most names, each after the few migrations that the
   pair needs.
2. If no guess shows the difference, bisect the chain of intermediate orders to one swap of
   neighbours that changes the result.
3. Reduce the migrations around that swap to those that the pair needs.
4. Replay both orders of the pair on databases.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.model.proof import ConflictingPair
from pgbraid.prove.comparison.compare_results import compare_kept
from pgbraid.prove.search.bisection import Bisection
from pgbraid.prove.search.difference_aspect import Aspect
from pgbraid.prove.search.minimize import (
    Minimal,
    PairReplay,
    grown_context,
    minimal_context,
)
from pgbraid.prove.search.shared_words import Words, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ReplayResult
    from pgbraid.model.snapshot import Difference
    from pgbraid.prove.replay.replayer import Base, KeptReplay, Replayer
    from pgbraid.prove.search.budget import Budget
    from pgbraid.prove.search.orders import Swap, SwapChain

    Replay = Callable[[Base, Sequence[Migration]], ReplayResult]

__all__ = ["PairSearch"]

_GUESSES = 3
_GUESSING = 0.4
"""The number of pairs to try before the bisection, and the share of the time for it."""
_GUESSING_WORK = 0.25
"""The share of the work for it."""
_LEAST_SECONDS, _LEAST_REPLAYS = 1.0, 1.0
"""By default, there is always this much to minimize an example: it often needs few migrations."""
_MOST_TO_COMPARE = 1.0
"""An example with more work is replayed only once in each order to confirm it."""
_SMALL = 20
"""An example with so few migrations is small in any folder."""
_LONG_CHAIN = 5_000
"""Above this number of swaps all are equally likely: weighing them would take too long."""


class PairSearch:
    """A search between two orders whose common prefix is in ``base``; it may recreate the base."""

    def __init__(
        self,
        replayer: Replayer,
        base: Base,
        chain: SwapChain[Migration],
        report: Callable[[str], None],
    ) -> None:
        self.replayer, self.base, self.chain = replayer, base, chain
        self.words = Words(replayer.text_of)
        self._total = len(base.prefix) + len(chain[0])
        self._report = report

    def find(
        self,
        aspect: Aspect,
        ends: dict[int, ReplayResult],
        replays: Sequence[Replay],
        budget: Budget,
    ) -> ConflictingPair | None:
        """Return a pair that does not commute; None if no pair is confirmed on databases.

        ``ends`` are the results of the first and the last order of the chain. If a pair is not
        confirmed and ``budget`` is not spent, the search is repeated with the next one of
        ``replays``. The bisection has no limit, so it finds a pair even if the budget is spent.
        """
        likelihoods = self._likelihoods(aspect)
        guessed = self._guess(aspect, likelihoods, replays[0], budget)
        if guessed:
            return guessed
        for replay in replays:
            self.replayer.scope = aspect.scope
            bisection = Bisection(self.replayer, self.base, self.chain, aspect, replay)
            swap, results = bisection.find(ends, likelihoods, budget, self._report)
            aspects = self._aspects(aspect, swap, results)
            pair = self._minimize(swap, aspects, replay, budget)
            if pair:
                return pair
            if budget.is_spent:
                break
            # To minimize a pair, a base that changed shared objects was dropped.
            if not self.replayer.has(self.base):
                self.base, _ = self.replayer.base(self.base.prefix)
        return None

    def _guess(
        self, aspect: Aspect, likelihoods: list[float], replay: Replay, budget: Budget
    ) -> ConflictingPair | None:
        """Try the likeliest pairs with a small context: this is faster than to replay all."""
        # Two bases cannot exist at once if one changed shared objects, such as roles.
        if self.base.shares or (aspect.facet is None and not aspect.failures):
            return None
        likely = sorted(range(len(likelihoods)), key=lambda n: -likelihoods[n])[:_GUESSES]
        root, _ = self.replayer.base(())
        growing = budget.part(_GUESSING, _GUESSING_WORK)
        try:
            for number in likely:
                if growing.cut_short:
                    break
                swap = self.chain.swap(number)
                whole = replace(swap, before=(*self.base.prefix, *swap.before))
                example = PairReplay(self.replayer, root, whole, replay, self.words, self._total)
                minimal = grown_context(example, aspect, growing, budget)
                pair = self._confirm(example, root, minimal, budget) if minimal else None
                if pair:
                    return pair
        finally:
            self.replayer.release(root)
        return None

    def _likelihoods(self, aspect: Aspect) -> list[float]:
        """Return the likelihood that a swap changes the result, for each swap of the chain."""
        if len(self.chain) > _LONG_CHAIN:
            return []
        texts = (*aspect.names, *(f.diagnostic.message for f in aspect.failures))
        differing = words_of(" ".join(texts))
        return self.words.likelihoods(self.chain.pairs(), self.chain[0], differing)

    @staticmethod
    def _aspects(
        aspect: Aspect, swap: Swap[Migration], results: tuple[ReplayResult, ReplayResult]
    ) -> tuple[Aspect, ...]:
        """Return the aspects in which to compare the two orders of a pair, the best one first.

        If a migration after the pair fails, the first aspect is a difference that the pair itself
        makes, because it explains more than the failure.
        """
        failures = [result.failure for result in results if result.failure]
        if not failures:
            return (aspect,)
        pair_fails = any(f.migration in {swap.first, swap.second} for f in failures)
        failing = aspect.failing(failures)
        return (failing,) if pair_fails else (Aspect.any(None), failing)

    def _minimize(
        self, swap: Swap[Migration], aspects: tuple[Aspect, ...], replay: Replay, budget: Budget
    ) -> ConflictingPair | None:
        """Reduce the context of a pair, and confirm it on databases.

        Return None if the databases do not show the difference that the search has seen.
        """
        # The roles of the base must not exist when the replays below create them.
        if self.base.shares:
            self.replayer.release(self.base)
        root, _ = self.replayer.base(())
        self._report("smaller examples")
        try:
            example = PairReplay(self.replayer, root, swap, replay, self.words, self._total)
            minimal = minimal_context(
                example, aspects, budget.at_least(_LEAST_SECONDS, _LEAST_REPLAYS)
            )
            pair = self._confirm(example, root, minimal, budget)
            whole = (*swap.before, *swap.after)
            if pair is None and minimal.context != whole:
                minimal = replace(minimal, context=whole, proven=False)
                pair = self._confirm(example, root, minimal, budget)
            return pair
        finally:
            self.replayer.release(root)

    def _confirm(
        self, example: PairReplay, root: Base, minimal: Minimal, budget: Budget
    ) -> ConflictingPair | None:
        """Replay a pair in both orders on databases; return None if the aspect is not shown."""
        orders = example.orders(minimal.context)
        prefix = self.base.prefix
        # Start from the base instead of the empty database if both orders begin with its prefix.
        base, done = root, 0
        if self.replayer.has(self.base) and tuple(orders[0][: len(prefix)]) == prefix:
            base, done = self.base, len(prefix)
        aspect = minimal.aspect
        # A context that is still large is replayed only once in each order, to save time.
        work = sum(len(order) - done for order in orders) / self._total
        small = work <= _MOST_TO_COMPARE or len(minimal.context) <= _SMALL
        once = aspect.facet is not None and not (minimal.proven and small)
        compare = partial(_compare_aspect, aspect) if once else _compare_all
        # To compare all, an order is replayed again if the results differ.
        budget.spend(work if once else 2 * work)
        left, right, differences = compare(self.replayer, base, [o[done:] for o in orders])
        included = [d for d in differences if aspect.includes(d)]
        shown = bool(included) if not aspect.failures else aspect.shown_by(left, right)
        if not shown:
            return None
        swap = example.swap
        return ConflictingPair(
            tuple(m for m in minimal.context if m in swap.before),
            swap.first,
            swap.second,
            (*included, *(d for d in differences if d not in included)),
            left.failure,
            right.failure,
            tuple(m for m in minimal.context if m in swap.after),
            minimal=minimal.proven,
        )


def _compare_all(
    replayer: Replayer, base: Base, orders: Sequence[Sequence[Migration]]
) -> tuple[ReplayResult, ReplayResult, tuple[Difference, ...]]:
    """Replay two orders, each twice if they differ, and return all differences."""
    replays: list[KeptReplay] = []
    try:
        replays = [replayer.keep(base, order) for order in orders]
        left, right = replays
        if left.result.failure or right.result.failure:
            return left.result, right.result, ()

        def again(side: str) -> KeptReplay:
            return replayer.keep(base, orders[side == "right"])

        comparison = compare_kept(replayer, left, right, again)
        return left.result, right.result, comparison.differences
    finally:
        for replay in replays:
            replayer.drop(replay.name)


def _compare_aspect(
    aspect: Aspect, replayer: Replayer, base: Base, orders: Sequence[Sequence[Migration]]
) -> tuple[ReplayResult, ReplayResult, tuple[Difference, ...]]:
    """Replay two orders once, and return their differences in an aspect."""
    replayer.scope = aspect.scope
    left, right = (replayer.replay(base, order) for order in orders)
    return left, right, aspect.differences(left, right)
