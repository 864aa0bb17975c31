"""Compares the results of two orders of the same migrations, and finds a pair that conflicts.

Both orders are replayed. If the results differ, the order of versions is replayed once more, and if
needed the recorded order. Values in which two replays of one order differ are not compared. The
guesses and the minimization of the search have a time limit.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil, inf, log2
from operator import attrgetter
from time import monotonic
from typing import TYPE_CHECKING

from pgbraid.model.errors import PgbraidError
from pgbraid.model.events import ReplayStarted
from pgbraid.model.proof import ReplayResult, Verdict, verdict_of
from pgbraid.model.snapshot import Facet
from pgbraid.postgres.catalog.row_identity import Meaning
from pgbraid.postgres.catalog.shared_objects import with_shared_objects
from pgbraid.prove.comparison.compare_results import Comparison, compare_kept, replay_twice
from pgbraid.prove.comparison.nondeterminism import NOTHING_CHANGES
from pgbraid.prove.search.budget import Budget
from pgbraid.prove.search.cause import Cause
from pgbraid.prove.search.difference_aspect import Aspect
from pgbraid.prove.search.orders import SwapChain, common_prefix, out_of_order
from pgbraid.prove.search.pair_search import PairSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.model.events import Listener
    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ConflictingPair, ReplayFailure
    from pgbraid.model.snapshot import Difference
    from pgbraid.prove.replay.replayer import Base, KeptReplay, Replayer

    Order = Sequence[Migration]
    Replay = Callable[[Base, Order], ReplayResult]

__all__ = ["OrderComparison", "OrderPair", "compare_orders"]

_SERVER_LACKS = re.compile(
    r'^(?:extension ".+" is not available|could not (?:open extension|access file|load library)'
    r"|logical decoding (?:requires|on standby)|.+ is not supported (?:in|by) this build)"
)
"""Error messages about features that only the server can lack."""
_NO_ROLE = re.compile(r'^role ".+" does not exist$')
_PLAIN_REPLAYS = 12
"""The time limit of a proof with its search for the pair, in plain replays of all migrations."""
_UNMEASURED_REPLAYS = 2
"""What of that limit goes to the start and end of the server and to the last step of the search."""
_FINAL_REPLAYS = 2.5
"""The time to confirm the pair, in replays: both of its orders, and the reading of the results."""
_SEARCH_REPLAYS = 8.0
"""The work of the search, in plain replays, without the last step that confirms the pair."""
_LEAST_MIGRATIONS = 500
"""The search may always run so many migrations: an example has most of those of a small folder."""
_LEAST_SECONDS = 2.0
"""The search may always take this long: with few migrations, twelve replays take no time."""
_GRAVEST = (Facet.SCHEMA, Facet.DATA, Facet.ENUM_ORDER, Facet.COLUMN_ORDER)
"""The facets that a verdict depends on, the gravest first."""
_NAMES_CHANGE = (
    "no pair is named: names of objects differ between two replays of one order, so the "
    "intermediate orders cannot be compared"
)
_CUT_SHORT = "no pair is named: the search was cut short before it had confirmed one"
_NO_PAIR = "no pair is named: no two migrations show the difference, only the whole orders do"
_UNDONE = "a migration was undone in the database, and undoing it did not take back all that it did"


_version = attrgetter("version")


@dataclass(frozen=True, slots=True)
class OrderPair:
    """Two orders of the same migrations: the recorded order, and the order of versions.

    ``run`` is the recorded order plus the migrations that were undone, and their down migrations.
    It is None if no migration was undone.
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
        """The migrations that ran after a migration with a higher version."""
        places = {m.version: place for place, m in enumerate(self.by_version)}
        return out_of_order(self.recorded, lambda migration: places[migration.version])

    @property
    def inversions(self) -> int:
        """The number of pairs that the two orders run in a different order."""
        return len(self.chain)

    @property
    def must_replay(self) -> bool:
        """Whether the results can differ, so that the orders must be replayed."""
        return self.inversions > 0 or self.run is not None

    @property
    def most_replays(self) -> int:
        """An estimate for progress reports: the replays of the comparison and the bisection.

        It does not include the guesses of the search and the minimization of the example.
        """
        count = self.inversions
        return 0 if not count else 4 + (ceil(log2(count)) + 1 if count > 1 else 1)


@dataclass(frozen=True, slots=True)
class OrderComparison:
    """The result of comparing two orders; the fields have the same meaning as in Proof."""

    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    recorded_failure: ReplayFailure | None = None
    version_failure: ReplayFailure | None = None
    pair: ConflictingPair | None = None
    no_pair: str | None = None
    search_replays: float = 0.0
    cut_short: bool = False
    not_compared: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    replays: int = 0
    server: str = ""


def compare_orders(  # noqa: PLR0913 - the orders, and how far the search goes
    replayer: Replayer,
    orders: OrderPair,
    *,
    on_event: Listener,
    pair: bool = True,
    explain_for: float | None = None,
    on_base: Callable[[Base], None] | None = None,
) -> OrderComparison:
    """Replay two orders, compare the results and, if they differ, search for a pair that conflicts.

    Without ``pair`` the search is skipped. Its guesses and its minimization are cut short after
    ``explain_for`` seconds; by default after the work of ten plain replays, or when the proof has
    taken as long as twelve. A pair that the bisection finds after that has a larger example, or is
    not named if the databases do not confirm it. Raises what the replays raise.
    """
    if not orders.must_replay:
        return OrderComparison(Verdict.SAME, server=replayer.scratch.label)
    replayer.refuse_server_wide(orders.by_version)
    base, failure = replayer.base(orders.prefix)
    comparer = _OrderComparer(replayer, orders, base, on_event, explain_for)
    try:
        if failure:
            return comparer.result(Verdict.NOT_REPLAYED, failures=(failure, failure))
        if on_base:
            on_base(base)
        return comparer.compare(pair=pair)
    finally:
        # An error of the replays must not be replaced by an error of the cleanup.
        with suppress(PgbraidError):
            replayer.release(comparer.base)


class _OrderComparer:
    """The comparison of two orders on one scratch server, in progress."""

    def __init__(
        self,
        replayer: Replayer,
        orders: OrderPair,
        base: Base,
        on_event: Listener,
        explain_for: float | None,
    ) -> None:
        self._replayer, self._orders = replayer, orders
        self._on_event = on_event
        self._explain_for = explain_for
        self._tails = orders.tails
        self._ran = self._tails[0] if orders.run is None else orders.run[len(orders.prefix) :]
        self._search = PairSearch(replayer, base, orders.chain, self._report_search)
        self._began = monotonic()
        self._tail_seconds = 0.0

    @property
    def base(self) -> Base:
        """The database with the common prefix; a search may have created it again."""
        return self._search.base

    def compare(self, *, pair: bool) -> OrderComparison:
        """Replay both orders, compare the results, and find the pair that conflicts."""
        self._report("by version", 1)
        right = self._replayer.keep(self.base, self._tails[1])
        # The time limit of the search is a multiple of this time.
        self._tail_seconds = right.seconds
        left: KeptReplay | None = None
        try:
            self._report("as recorded", 2)
            left = self._replayer.keep(self.base, self._ran)
            if left.result.failure or right.result.failure:
                return self._compare_failures(left, right, pair=pair)
            compared = compare_kept(self._replayer, left, right, self._again)
            verdict = verdict_of(compared.facets)
            cause = Cause()
            if pair and verdict is not Verdict.SAME:
                if self._ran == self._tails[0]:
                    cause = self._find_cause(compared, left, right)
                else:
                    # The search needs two orders of the same migrations.
                    self._drop(left)
                    cause = self._find_cause_without_undone(right)
            return self.result(verdict, compared=compared, cause=cause)
        finally:
            self._drop(left, right)

    def result(
        self,
        verdict: Verdict,
        *,
        failures: tuple[ReplayFailure | None, ReplayFailure | None] = (None, None),
        compared: Comparison | None = None,
        cause: Cause | None = None,
    ) -> OrderComparison:
        """Return the result of the comparison, with what the server was given for the replays."""
        compared = compared or Comparison()
        cause = cause or Cause()
        provision = self._replayer.provision
        return OrderComparison(
            verdict,
            compared.differences,
            *failures,
            cause.pair,
            cause.no_pair,
            search_replays=cause.search_replays,
            cut_short=cause.cut_short,
            not_compared=(*compared.not_compared, *provision.weakened),
            provided=tuple(provision.provided),
            replays=self._replayer.replays,
            server=self._replayer.scratch.label,
        )

    def _drop(self, *replays: KeptReplay | None) -> None:
        """Drop the databases of replays, before the base: its roles own objects in them."""
        for replay in replays:
            if replay and replay.name:
                self._replayer.drop(replay.name)

    def _again(self, side: str) -> KeptReplay:
        self._report("one order again, to detect changing values", 3 if side == "right" else 4)
        return self._replayer.keep(self.base, self._tails[1] if side == "right" else self._ran)

    def _report(self, replay: str, number: int) -> None:
        self._on_event(ReplayStarted(replay, number, self._orders.most_replays))

    def _report_search(self, replay: str) -> None:
        self._report(replay, self._replayer.replays)

    def _compare_failures(
        self, left: KeptReplay, right: KeptReplay, *, pair: bool
    ) -> OrderComparison:
        """Return the result if at least one of the two orders failed."""
        failures = left.result.failure, right.result.failure
        if self._fail_alike(*failures) or any(map(self._server_lacks, failures)):
            return self.result(Verdict.NOT_REPLAYED, failures=failures)
        cause = Cause()
        if pair and self._ran != self._tails[0]:
            cause = Cause(no_pair=_UNDONE)
        elif pair:
            self._drop(left, right)
            ends = {0: left.result, len(self._orders.chain): right.result}
            cause = self._find_pair(Aspect().failing(failures), ends, self._plain_replays)
        return self.result(Verdict.FAILS, failures=failures, cause=cause)

    def _fail_alike(self, left: ReplayFailure | None, right: ReplayFailure | None) -> bool:
        """Return whether both orders fail in the same way, so that the order is not the reason.

        Two migrations can fail because of the same missing object. Then each order fails at the
        first of the two migrations that it runs.
        """
        if left is None or right is None:
            return False
        if left.key == right.key:
            return True
        places = {m.version: n for n, m in enumerate(self._ran)}
        version_places = {m.version: n for n, m in enumerate(self._tails[1])}
        one, other = left.migration.version, right.migration.version
        return (
            left.needs_missing_object
            and left.key[1:] == right.key[1:]
            and places[one] < places.get(other, -1)
            and version_places[other] < version_places.get(one, -1)
        )

    def _server_lacks(self, failure: ReplayFailure | None) -> bool:
        """Return whether a migration failed because of something that only the server can lack."""
        if failure is None:
            return False
        message = failure.diagnostic.message
        # On an exclusive server, the replay creates the roles that no migration creates.
        lacks_role = not self._replayer.scratch.exclusive and _NO_ROLE.match(message)
        return bool(lacks_role or _SERVER_LACKS.match(message))

    def _find_cause_without_undone(self, right: KeptReplay) -> Cause:
        """Compare again without the undone migrations; return the cause of what still differs."""
        left = self._replayer.keep(self.base, self._tails[0])
        try:
            if not len(self._orders.chain) or left.result.failure:
                return Cause(no_pair=_UNDONE)
            self._ran = self._tails[0]
            compared = compare_kept(self._replayer, left, right, self._again)
            if verdict_of(compared.facets) is Verdict.SAME:
                return Cause(no_pair=_UNDONE)
            return self._find_cause(compared, left, right)
        finally:
            self._drop(left)

    def _find_cause(self, compared: Comparison, left: KeptReplay, right: KeptReplay) -> Cause:
        """Return the cause of the gravest difference. Drops the databases of both replays."""
        facet = next(facet for facet in _GRAVEST if facet in compared.facets)
        aspect = Aspect.of(compared, facet)
        self._replayer.scope = aspect.scope
        last = len(self._orders.chain)
        ends = {0: self._read(left), last: self._read(right)}
        self._drop(left, right)
        replays = self._plain_replays
        if not aspect.differ(ends[0], ends[last]):
            # The search masks whole columns, and the difference is beside a changing value. So
            # each order is replayed twice, and only the changing values are masked.
            aspect = replace(aspect, changing=NOTHING_CHANGES, meaning=Meaning())
            self._replayer.scope = aspect.scope
            twice = partial(replay_twice, self._replayer)
            ends = {0: twice(self.base, self._tails[0]), last: twice(self.base, self._tails[1])}
            replays = (twice,)
        if not aspect.differ(ends[0], ends[last]):
            return Cause(no_pair=_NAMES_CHANGE)
        return self._find_pair(aspect, ends, replays)

    def _read(self, replay: KeptReplay) -> ReplayResult:
        """Return the part of a replay in the scope, shared objects as they were at its end."""
        read = self._replayer.read(replay.name)
        if read.snapshot is None or replay.result.snapshot is None:
            return read
        if not (self._replayer.scope and self._replayer.scope.schema):
            return read
        return ReplayResult(with_shared_objects(read.snapshot, replay.result.snapshot))

    def _find_pair(
        self, aspect: Aspect, ends: dict[int, ReplayResult], replays: tuple[Replay, ...]
    ) -> Cause:
        least = _LEAST_MIGRATIONS / len(self._orders.by_version)
        most = max(_SEARCH_REPLAYS, least) if self._explain_for is None else inf
        budget = Budget(self._seconds_left(), most)
        pair = self._search.find(aspect, ends, replays, budget)
        cut_short = budget.cut_short if pair is None else not pair.minimal
        no_pair = None if pair else _CUT_SHORT if cut_short else _NO_PAIR
        return Cause(pair, no_pair, budget.spent, cut_short)

    @property
    def _plain_replays(self) -> tuple[Replay, ...]:
        """The ways to replay an order in a search: in one transaction, then on a database."""
        return self._replayer.replay_in_transaction, self._replayer.replay

    def _seconds_left(self) -> float:
        """Return the time limit of the search, which leaves the time to confirm the pair."""
        if self._explain_for is not None:
            return self._explain_for
        plain = self.base.seconds + self._tail_seconds
        elapsed = self.base.seconds + monotonic() - self._began
        limit = (_PLAIN_REPLAYS - _UNMEASURED_REPLAYS) * plain
        remaining = limit - elapsed - _FINAL_REPLAYS * self._tail_seconds
        return max(remaining, _LEAST_SECONDS)
