"""Judges whether two orders of the same migrations end the same, and finds the pair that differs.

Both are replayed; where they differ, the chain of orders between them, each by one swap of
neighbours from the next, is bisected down to a swap that changes the result; then what stands
before that swap is shrunk to what the pair needs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, log2
from typing import TYPE_CHECKING

from pgbraid.core.events import Proving
from pgbraid.core.facts import spoken
from pgbraid.core.orders import Chain, common_prefix, first_change, late
from pgbraid.core.proof import Ended, Pair, Proof, Verdict, verdict_of
from pgbraid.core.snapshot import (
    NO_NOISE,
    Difference,
    Facet,
    compare,
    facets_that_differ,
    noise_between,
)
from pgbraid.errors import PgbraidError
from pgbraid.smallest import Example, smallest_example

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.core.events import Listener
    from pgbraid.core.model import Migration
    from pgbraid.core.orders import Swap
    from pgbraid.core.snapshot import Noise
    from pgbraid.replay import Replayer

    Order = Sequence[Migration]
    Replay = Callable[[str, Order], Ended]

__all__ = ["Question", "judge_orders"]

_SAME_FACETS = {
    Verdict.DIFFERENT: frozenset({Facet.SCHEMA, Facet.DATA}),
    Verdict.ENUM_ORDER: frozenset({Facet.ENUM_ORDER}),
    Verdict.COLUMN_ORDER: frozenset({Facet.COLUMN_ORDER}),
}


def _version(migration: Migration) -> int:
    return migration.version


@dataclass(frozen=True, slots=True)
class Question:
    """Two orders of the same migrations: as they were or would be applied, and as in time."""

    left: tuple[Migration, ...]
    right: tuple[Migration, ...]

    @property
    def late(self) -> tuple[Migration, ...]:
        """Those that come behind one which they stand before in the other order."""
        places = {m.version: place for place, m in enumerate(self.right)}
        return late(self.left, lambda migration: places[migration.version])

    @property
    def inversions(self) -> int:
        """How many pairs stand in another order."""
        return len(Chain(self.left, self.right, _version))

    @property
    def prefix(self) -> tuple[Migration, ...]:
        """What both begin with, which is run once."""
        return common_prefix(self.left, self.right)

    @property
    def most_replays(self) -> int:
        """How many replays decide it at most, a search for the pair included."""
        count = self.inversions
        return 0 if not count else 3 + (ceil(log2(count)) + 1 if count > 1 else 1)


def judge_orders(
    replayer: Replayer, question: Question, *, listen: Listener, pair: bool = True
) -> Proof:
    """Return what the two orders come to, and why they differ where they do.

    Without ``pair`` the reason is not looked for. Raises what the replays raise.
    """
    proof = Proof(
        Verdict.SAME,
        question.left,
        question.right,
        question.late,
        question.inversions,
        server=replayer.scratch.label,
    )
    if not proof.inversions:
        return proof
    replayer.expect(question.right)
    base, failure = replayer.base(question.prefix)
    try:
        if failure:
            return replace(
                proof, verdict=Verdict.FAILS, left_failure=failure, right_failure=failure
            )
        return _Judge(replayer, question, base, listen).judge(proof, pair=pair)
    finally:
        with suppress(PgbraidError):
            replayer.release(base)


class _Judge:
    """One question on its way to an answer."""

    def __init__(self, replayer: Replayer, question: Question, base: str, listen: Listener) -> None:
        self.replayer, self.question, self.base = replayer, question, base
        self.listen = listen
        self.noise: Noise = NO_NOISE
        self._rounds = 0
        self.tails = question.left[len(question.prefix) :], question.right[len(question.prefix) :]

    def judge(self, proof: Proof, *, pair: bool) -> Proof:
        left, right = self._both()
        found = self._verdict(left, right)
        snapshot = right.snapshot or left.snapshot
        proof = replace(
            proof,
            verdict=found,
            left_failure=left.failure,
            right_failure=right.failure,
            differences=self._differences(left, right),
            left_out=(*(snapshot.left_out if snapshot else ()), *self._noisy()),
        )
        if pair and found is not Verdict.SAME and self._can_tell(left, right):
            proof = replace(proof, pair=self._pair(found, left, right))
        return replace(proof, replays=self.replayer.replays, assumed=tuple(self.replayer.assumed))

    def _both(self) -> tuple[Ended, Ended]:
        """Replay both orders, and the second one again where that may explain a difference."""
        left_tail, right_tail = self.tails
        replay = self.replayer.replay
        self._tell("by version", 1)
        right = replay(self.base, right_tail, by_column=True)
        self._tell("as recorded", 2)
        left = replay(self.base, left_tail)
        if left.snapshot is None or right.snapshot is None:
            return left, right
        if not facets_that_differ(left.snapshot, right.snapshot):
            return left, right
        self._tell("by version again, to tell noise", 3)
        known = self.replayer.reader.noisy
        again = replay(self.base, right_tail, again=True)
        if self.replayer.reader.noisy != known:
            left = replay(self.base, left_tail)
            once_more = replay(self.base, right_tail)
        else:
            once_more = right
        if again.snapshot and once_more.snapshot:
            self.noise = noise_between(again.snapshot, once_more.snapshot)
        return left, again

    def _tell(self, what: str, number: int) -> None:
        self.listen(Proving(what, number, self.question.most_replays))

    def _noisy(self) -> list[str]:
        facts = {f"{spoken(fact)} of {name}" for _, name, fact in self.noise.facts}
        names = sorted(facts | {name for _, name in self.noise.rows})
        return [f"{name}: differs between two equal replays" for name in names]

    def _differences(self, left: Ended, right: Ended) -> tuple[Difference, ...]:
        if left.snapshot is None or right.snapshot is None:
            return ()
        return compare(left.snapshot, right.snapshot, self.noise)

    def _verdict(self, left: Ended, right: Ended) -> Verdict:
        if left.snapshot is None or right.snapshot is None:
            return Verdict.FAILS
        return verdict_of(facets_that_differ(left.snapshot, right.snapshot, self.noise))

    def _can_tell(self, left: Ended, right: Ended) -> bool:
        """Whether there is a pair to blame: not where both orders fail in the same way."""
        if left.failure and right.failure:
            return left.failure.key != right.failure.key
        return True

    def _differ(self, verdict: Verdict, left: Ended, right: Ended) -> bool:
        """Whether two results differ in the respect that a verdict is about."""
        if left.snapshot is None or right.snapshot is None:
            if left.failure and right.failure:
                return left.failure.key != right.failure.key
            return True
        facets = _SAME_FACETS.get(verdict)
        found = facets_that_differ(left.snapshot, right.snapshot, self.noise)
        return bool(found & facets) if facets else bool(found - {Facet.SEQUENCES})

    def _pair(self, verdict: Verdict, left: Ended, right: Ended) -> Pair | None:
        """Find a pair by trying out; where it does not hold on databases, by replaying."""
        tails = self.tails
        ends = {0: left, len(Chain(*tails, _version)): right}
        pair = self._shrunk(verdict, *self._search(verdict, ends, self.replayer.try_out))
        if pair.confirmed or self._rounds:
            return pair
        self._rounds += 1
        self.base, _ = self.replayer.base(self.question.prefix)
        return self._shrunk(verdict, *self._search(verdict, ends, self.replayer.replay))

    def _search(
        self, verdict: Verdict, ends: dict[int, Ended], replay: Replay
    ) -> tuple[Swap[Migration], tuple[Ended, Ended]]:
        """Bisect the chain between the orders for a swap that changes the result.

        Where one end fails and the other does not, the swap is between one that fails and one
        that does not. Returns it, and what the two orders come to.
        """
        chain = Chain(*self.tails, _version)
        results = dict(ends)

        def differs(low: int, middle: int) -> bool:
            self._tell("an order between", self.replayer.replays)
            results[middle] = replay(self.base, chain[middle])
            one, other = results[low], results[middle]
            if one_fails:
                return (one.failure is None) != (other.failure is None)
            return self._differ(verdict, one, other)

        failing = [end.failure is not None for end in ends.values()]
        one_fails = failing[0] != failing[-1]
        number = first_change(len(chain), differs)
        swap = chain.swap(number)
        before = (*self.question.prefix, *swap.before)
        return replace(swap, before=before), (results[number], results[number + 1])

    def _shrunk(self, verdict: Verdict, swap: Swap[Migration], ends: tuple[Ended, Ended]) -> Pair:
        """Shrink what stands before the pair to what it needs, and confirm it on databases."""
        self.replayer.release(self.base)
        root, _ = self.replayer.base(())
        self._tell("smaller and smaller examples", self.replayer.replays)
        try:
            respects = partial(self._differ, verdict), partial(self._differ, Verdict.FAILS)
            failures = ends[0].failure, ends[1].failure
            example = Example(self.replayer, root, swap, respects, failures)
            context = smallest_example(example)
            orders = example.orders(context)
            left, right = (self.replayer.replay(root, order) for order in orders)
            return Pair(
                tuple(m for m in context if m in swap.before),
                swap.first,
                swap.second,
                self._differences(left, right),
                left.failure,
                right.failure,
                tuple(m for m in context if m in swap.after),
                confirmed=example.is_one((left, right))
                or example.is_one((left, right), strictly=False),
            )
        finally:
            self.replayer.release(root)
