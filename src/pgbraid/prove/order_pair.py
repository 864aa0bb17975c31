"""Judges whether two orders of the same migrations end the same, and finds the pair that differs.

Both are replayed, and each once more where they differ: what two replays of one order do not agree
on is not compared. The search for the pair is given the time that is left.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil, log2
from time import monotonic
from typing import TYPE_CHECKING

from pgbraid.model.errors import PgbraidError
from pgbraid.model.events import ReplayStarted
from pgbraid.model.proof import Proof, ReplayResult, Verdict, verdict_of
from pgbraid.model.snapshot import Facet
from pgbraid.postgres.catalog.row_identity import Meaning
from pgbraid.prove.comparison.compare_results import Comparison, compare_kept, replay_twice
from pgbraid.prove.comparison.nondeterminism import NOTHING_CHANGES
from pgbraid.prove.search.difference_aspect import Aspect
from pgbraid.prove.search.orders import SwapChain, common_prefix, out_of_order
from pgbraid.prove.search.pair_search import Budget, PairSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.model.events import Listener
    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ReplayFailure
    from pgbraid.prove.replay.replayer import Base, KeptReplay, Replayer

    Order = Sequence[Migration]
    Replay = Callable[[Base, Order], ReplayResult]

__all__ = ["OrderPair", "compare_orders"]

_LACKING = re.compile(
    r'^(?:extension ".+" is not available|could not (?:open extension|access file|load library)'
    r"|logical decoding (?:requires|on standby)|.+ is not supported (?:in|by) this build)"
)
"""Messages about what only the server can lack."""
_NO_ROLE = re.compile(r'^role ".+" does not exist$')
_PLAIN_REPLAYS = 12
"""How many plain replays' time a proof may take with the search for the pair, unless the search is
given its seconds."""
_REPLAYED_LAST = 2.5
"""How many replays the pair needs that was found: both of its orders, and reading the results."""
_LEAST_SECONDS = 2.0
"""Seconds that the search may take at least: a replay of a few migrations takes no time."""
_GRAVEST = (Facet.SCHEMA, Facet.DATA, Facet.ENUM_ORDER, Facet.COLUMN_ORDER)
_NAMES_CHANGE = (
    "no pair is named: names of objects differ between two replays of one order, so the orders on "
    "the way between cannot be compared"
)
_NOBODY = "no two migrations could be blamed; the whole orders differ"
_UNDONE = "a migration was undone in the database, and undoing it did not take back all that it did"


def _version(migration: Migration) -> int:
    return migration.version


@dataclass(frozen=True, slots=True)
class OrderPair:
    """Two orders of the same migrations: as they were or would be applied, and as in time.

    ``run`` is all that ran for the left order where that is more: what was undone, and what undid
    it.
    """

    recorded: tuple[Migration, ...]
    by_version: tuple[Migration, ...]
    run: tuple[Migration, ...] | None = None
    prefix: tuple[Migration, ...] = field(init=False, repr=False, compare=False)
    """The migrations that both orders begin with, which are run once."""
    chain: SwapChain[Migration] = field(init=False, repr=False, compare=False)
    """The orders between the two, without the prefix."""

    def __post_init__(self) -> None:
        prefix = common_prefix(self.recorded, self.by_version)
        if self.run is not None:
            prefix = common_prefix(prefix, self.run)
        object.__setattr__(self, "prefix", prefix)
        object.__setattr__(self, "chain", SwapChain(*self.tails, _version))

    @property
    def tails(self) -> tuple[tuple[Migration, ...], tuple[Migration, ...]]:
        """Both orders without the prefix."""
        length = len(self.prefix)
        return self.recorded[length:], self.by_version[length:]

    @property
    def out_of_order(self) -> tuple[Migration, ...]:
        """Those that come behind one which they stand before in the other order."""
        places = {m.version: place for place, m in enumerate(self.by_version)}
        return out_of_order(self.recorded, lambda migration: places[migration.version])

    @property
    def inversions(self) -> int:
        """How many pairs stand in another order."""
        return len(self.chain)

    @property
    def most_replays(self) -> int:
        """How many replays decide it at most, a search for the pair included."""
        count = self.inversions
        return 0 if not count else 4 + (ceil(log2(count)) + 1 if count > 1 else 1)


def compare_orders(
    replayer: Replayer,
    question: OrderPair,
    *,
    listen: Listener,
    pair: bool = True,
    explain_for: float | None = None,
) -> Proof:
    """Return what the two orders come to, and why they differ where they do.

    Without ``pair`` the reason is not looked for. The search for it takes ``explain_for`` seconds
    at most, by default until the proof has taken as long as twelve plain replays; the pair is found
    all the same. Raises what the replays raise.
    """
    proof = Proof(
        Verdict.SAME,
        question.recorded,
        question.by_version,
        question.out_of_order,
        question.inversions,
        server=replayer.scratch.label,
    )
    if not proof.inversions and question.run is None:
        return proof
    replayer.refuse_server_wide(question.by_version)
    base, failure = replayer.base(question.prefix)
    judge = _Comparison(replayer, question, base, listen, explain_for)
    try:
        if failure:
            found = replace(
                proof,
                verdict=Verdict.NOT_REPLAYED,
                recorded_failure=failure,
                version_failure=failure,
            )
        else:
            found = judge.judge(proof, pair=pair)
    finally:
        with suppress(PgbraidError):
            replayer.release(judge.base)
    provision = replayer.provision
    return replace(
        found,
        replays=replayer.replays,
        provided=tuple(provision.provided),
        not_compared=(*found.not_compared, *provision.weakened),
    )


class _Comparison:
    """One question on its way to an answer."""

    def __init__(
        self,
        replayer: Replayer,
        question: OrderPair,
        base: Base,
        listen: Listener,
        explain_for: float | None,
    ) -> None:
        self.replayer, self.question = replayer, question
        self.listen = listen
        self._explain_for = explain_for
        self.tails, self.chain = question.tails, question.chain
        self.ran = self.tails[0] if question.run is None else question.run[len(question.prefix) :]
        self.search = PairSearch(replayer, base, self.chain, self._tell_of_search)
        self._began = monotonic()
        self._tail_seconds = 0.0

    @property
    def base(self) -> Base:
        """What both orders begin with; a search may have made it again."""
        return self.search.base

    def judge(self, proof: Proof, *, pair: bool) -> Proof:
        """Return the proof of both orders, with the pair to blame."""
        self._tell("by version", 1)
        right = self.replayer.keep(self.base, self.tails[1])
        self._tail_seconds = right.seconds
        left: KeptReplay | None = None
        try:
            self._tell("as recorded", 2)
            left = self.replayer.keep(self.base, self.ran)
            if left.result.failure or right.result.failure:
                return self._failed(proof, left, right, pair=pair)
            compared = compare_kept(self.replayer, left, right, self._again)
            proof = replace(
                proof,
                verdict=verdict_of(compared.facets),
                differences=compared.differences,
                not_compared=compared.not_compared,
            )
            if not pair or proof.verdict is Verdict.SAME:
                return proof
            if self.ran != self.tails[0]:
                self.replayer.drop(left.name)
                left = self.replayer.keep(self.base, self.tails[0])
                without = self._without_undone(left, right)
                if without is None:
                    return replace(proof, no_pair=_UNDONE)
                compared = without
            return self._explained(proof, compared, left, right)
        finally:
            self._drop(left, right)

    def _drop(self, *kept: KeptReplay | None) -> None:
        """Drop the databases of replays: roles of the base cannot be dropped before them."""
        for one in kept:
            if one and one.name:
                self.replayer.drop(one.name)

    def _without_undone(self, left: KeptReplay, right: KeptReplay) -> Comparison | None:
        """Compare the orders without what was undone; return None where they are the same then."""
        if not len(self.chain) or left.result.failure:
            return None
        self.ran = self.tails[0]
        compared = compare_kept(self.replayer, left, right, self._again)
        return None if verdict_of(compared.facets) is Verdict.SAME else compared

    def _again(self, side: str) -> KeptReplay:
        self._tell("an order again, to see what differs each time", 3 if side == "right" else 4)
        return self.replayer.keep(self.base, self.tails[1] if side == "right" else self.ran)

    def _tell(self, what: str, number: int) -> None:
        self.listen(ReplayStarted(what, number, self.question.most_replays))

    def _tell_of_search(self, what: str) -> None:
        self._tell(what, self.replayer.replays)

    def _failed(self, proof: Proof, left: KeptReplay, right: KeptReplay, *, pair: bool) -> Proof:
        """Return the proof of orders of which one fails, or both do."""
        failures = left.result.failure, right.result.failure
        proof = replace(
            proof, verdict=Verdict.FAILS, recorded_failure=failures[0], version_failure=failures[1]
        )
        if self._fail_alike(*failures) or any(map(self._is_lacking, failures)):
            return replace(proof, verdict=Verdict.NOT_REPLAYED)
        if not pair:
            return proof
        if self.ran != self.tails[0]:
            return replace(proof, no_pair=_UNDONE)
        self._drop(left, right)
        ends = {0: left.result, len(self.chain): right.result}
        return self._with_pair(proof, Aspect().failing(failures), ends, self._replays)

    def _fail_alike(self, left: ReplayFailure | None, right: ReplayFailure | None) -> bool:
        """Whether both orders fail in the same way: the order has nothing to do with it.

        Two migrations can fail for want of the same thing, each before the other one has run.
        """
        if left is None or right is None:
            return False
        if left.key == right.key:
            return True
        places = {m.version: n for n, m in enumerate(self.ran)}
        one, other = left.migration.version, right.migration.version
        behind = {m.version: n for n, m in enumerate(self.tails[1])}
        untouched = places[one] < places.get(other, -1) and behind[other] < behind.get(one, -1)
        return untouched and left.key[1:] == right.key[1:]

    @property
    def _replays(self) -> tuple[Replay, ...]:
        """How orders are replayed in a search: first in one transaction, then on databases."""
        return self.replayer.replay_in_transaction, self.replayer.replay

    def _with_pair(
        self,
        proof: Proof,
        aspect: Aspect,
        ends: dict[int, ReplayResult],
        replays: tuple[Replay, ...],
    ) -> Proof:
        pair = self.search.find(aspect, ends, replays, Budget(self._seconds_left()))
        return replace(proof, pair=pair, no_pair=None if pair else _NOBODY)

    def _seconds_left(self) -> float:
        """Return how long the search may take, so that the pair can be replayed behind it."""
        if self._explain_for is not None:
            return self._explain_for
        plain = self.base.seconds + self._tail_seconds
        taken = self.base.seconds + monotonic() - self._began
        left = _PLAIN_REPLAYS * plain - taken - _REPLAYED_LAST * self._tail_seconds
        return max(left, _LEAST_SECONDS)

    def _is_lacking(self, failure: ReplayFailure | None) -> bool:
        """Whether a migration failed for want of what only the server could have."""
        if failure is None:
            return False
        message = failure.diagnostic.message
        # On a server of our own a role is created, unless a migration creates it.
        lacks_role = not self.replayer.scratch.exclusive and _NO_ROLE.match(message)
        return bool(lacks_role or _LACKING.match(message))

    def _explained(
        self, proof: Proof, compared: Comparison, left: KeptReplay, right: KeptReplay
    ) -> Proof:
        """Return the proof of two orders that differ, with the pair to blame."""
        facet = next(facet for facet in _GRAVEST if facet in compared.facets)
        aspect = Aspect.of(compared, facet)
        self.replayer.scope = aspect.scope
        last = len(self.chain)
        ends = {0: self.replayer.read(left.name), last: self.replayer.read(right.name)}
        self._drop(left, right)
        replays = self._replays
        if not aspect.differ(ends[0], ends[last]):
            # What differs stands beside a value that changes from replay to replay.
            aspect = replace(aspect, changing=NOTHING_CHANGES, meaning=Meaning())
            self.replayer.scope = aspect.scope
            twice = partial(replay_twice, self.replayer)
            ends = {0: twice(self.base, self.tails[0]), last: twice(self.base, self.tails[1])}
            replays = (twice,)
        if not aspect.differ(ends[0], ends[last]):
            return replace(proof, no_pair=_NAMES_CHANGE)
        return self._with_pair(proof, aspect, ends, replays)
