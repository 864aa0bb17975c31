"""Finds the few migrations behind which two others still do not commute.

What the server says is missing tells which migration is needed, so the example is grown from
nothing; then what it does not need is taken out again. Only where that leads nowhere is all that
stands before the pair reduced by halves, which takes many replays. All of it ends when the time is
up: the pair is known before, and only the example is larger then.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.model import sqlstate
from pgbraid.prove.search.orders import ddmin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ReplayFailure, ReplayResult
    from pgbraid.prove.replay.replayer import Base, Replayer
    from pgbraid.prove.search.difference_aspect import Aspect
    from pgbraid.prove.search.orders import Swap
    from pgbraid.prove.search.shared_words import Words

    Replay = Callable[[Base, Sequence[Migration]], ReplayResult]

__all__ = ["Budget", "Minimal", "PairReplay", "grown_context", "minimal_context"]

_MISSING = frozenset(
    {
        sqlstate.UNDEFINED_TABLE,
        sqlstate.UNDEFINED_COLUMN,
        sqlstate.UNDEFINED_FUNCTION,
        sqlstate.UNDEFINED_OBJECT,
        sqlstate.INVALID_SCHEMA_NAME,
        sqlstate.INVALID_TABLE_DEFINITION,
        sqlstate.FOREIGN_KEY_VIOLATION,
        sqlstate.INVALID_TEXT_REPRESENTATION,
    }
)
"""Codes of what may be for want of a migration: no such table, column, function, type, schema."""
_NAMED = re.compile(r'"([^"]+)"|(?:type|function|procedure|column|relation|table|schema) ([\w.$]+)')
_WORD = re.compile(r"[A-Za-z_][\w$]*")
_MAKES = r"\b(?:create|add|rename|to|insert)\b[^;]*?\b{}\b"
_ROUNDS = 60
_KIN = 3
"""How many migrations are added at once that have names in common with one that fails."""


class Budget:
    """The time that a search may take, in seconds from now."""

    __slots__ = ("_ends",)

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def part(self, share: float) -> Budget:
        """Return a budget of a part of the time that is left."""
        return Budget((self._ends - time.monotonic()) * share)

    @property
    def is_spent(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends


@dataclass(frozen=True, slots=True)
class Minimal:
    """The context that a pair needs; ``proven`` says that nothing of it can be left out."""

    context: tuple[Migration, ...]
    aspect: Aspect
    proven: bool = True


class PairReplay:
    """A pair among some of what stood before and behind it, tried out in both orders."""

    def __init__(
        self,
        replayer: Replayer,
        root: Base,
        swap: Swap[Migration],
        replay: Replay,
        words: Words,
    ) -> None:
        self.replayer, self.root, self.swap, self._replay = replayer, root, swap, replay
        self.words = words

    def orders(self, context: Iterable[Migration]) -> tuple[list[Migration], list[Migration]]:
        """Return the two orders of the pair among those of a context."""
        chosen, swap = set(context), self.swap
        before = [m for m in swap.before if m in chosen]
        after = [m for m in swap.after if m in chosen]
        return (
            [*before, swap.first, swap.second, *after],
            [*before, swap.second, swap.first, *after],
        )

    def both(
        self, context: Iterable[Migration], aspect: Aspect
    ) -> tuple[ReplayResult, ReplayResult]:
        """Return what the two orders come to among those of a context."""
        self.replayer.scope = aspect.scope
        left, right = (self._replay(self.root, order) for order in self.orders(context))
        return left, right

    def first(self, context: Iterable[Migration], aspect: Aspect) -> ReplayResult:
        """Return what the first of the two orders comes to among those of a context."""
        self.replayer.scope = aspect.scope
        return self._replay(self.root, self.orders(context)[0])

    def shows(self, context: Iterable[Migration], aspect: Aspect) -> bool:
        """Whether the pair does not commute among those of a context."""
        return aspect.shown_by(*self.both(context, aspect))


def minimal_context(pair: PairReplay, aspects: Sequence[Aspect], budget: Budget) -> Minimal:
    """Return few migrations among which a pair does not commute, in the first aspect it shows.

    When the time is up, it returns the fewest found so far. Raises what the replays raise.
    """
    swap = pair.swap
    for aspect in aspects:
        found = grown_context(pair, aspect, budget, budget)
        if found:
            return found
        for whole in (swap.before, (*swap.before, *swap.after)):
            if not budget.is_spent and pair.shows(whole, aspect):
                return _reduced(pair, aspect, whole, budget)
    # The search that found the pair saw it behind all of these.
    return Minimal((*swap.before, *swap.after), aspects[-1], proven=False)


def grown_context(
    pair: PairReplay, aspect: Aspect, growing: Budget, shrinking: Budget
) -> Minimal | None:
    """Return few migrations among which a pair does not commute, grown from none.

    Returns None where that leads nowhere in the time for growing. Raises what the replays raise.
    """
    context = _grown(pair, aspect, growing)
    return None if context is None else _reduced(pair, aspect, context, shrinking)


def _reduced(
    pair: PairReplay, aspect: Aspect, context: tuple[Migration, ...], budget: Budget
) -> Minimal:
    reduced = ddmin(context, partial(_shows_in_time, pair, aspect, budget))
    return Minimal(reduced, aspect, proven=not budget.is_spent)


def _shows_in_time(
    pair: PairReplay, aspect: Aspect, budget: Budget, context: tuple[Migration, ...]
) -> bool:
    return not budget.is_spent and pair.shows(context, aspect)


def _grown(pair: PairReplay, aspect: Aspect, budget: Budget) -> tuple[Migration, ...] | None:
    """Grow a context from nothing, by what the server says is missing."""
    chosen: tuple[Migration, ...] = ()
    for _ in range(_ROUNDS):
        if budget.is_spent:
            return None
        ends: tuple[ReplayResult, ...] = (pair.first(chosen, aspect),)
        if not _lacks(ends[0], aspect):
            ends = pair.both(chosen, aspect)
            if aspect.shown_by(*ends):
                return chosen
        more = _needed(
            pair,
            chosen,
            [end.failure for end in ends if end.failure and not aspect.asks(end.failure)],
        )
        if not more:
            return None
        chosen = tuple(m for m in pair.swap.before if m in chosen or m in more)
    return None


def _lacks(ended: ReplayResult, aspect: Aspect) -> bool:
    """Whether an order failed for want of something, and not in the way that is asked about."""
    failure = ended.failure
    if failure is None or aspect.asks(failure):
        return False
    return failure.diagnostic.sqlstate in _MISSING


def _needed(
    pair: PairReplay, chosen: tuple[Migration, ...], failures: list[ReplayFailure]
) -> set[Migration]:
    """Return what is to stand before the pair, too: makers of what is missing, or of kin."""
    left = [m for m in pair.swap.before if m not in chosen]
    for failure in failures:
        if failure.diagnostic.sqlstate not in _MISSING:
            continue
        message = failure.diagnostic.message.lower()
        names = [
            word
            for found in _NAMED.findall(message)
            for word in _WORD.findall("".join(found).rpartition(".")[2])
        ]
        maker = _maker(pair, left, names, failure.migration) if names else None
        if maker:
            return {maker}
    for failure in failures:
        if failure.migration in chosen:
            # A migration of the context is not as it was: something else changed what it meets.
            stands = pair.swap.before.index(failure.migration)
            earlier = [m for m in pair.swap.before[:stands] if m not in chosen]
            if kin := pair.words.nearest(failure.migration, earlier)[:_KIN]:
                return set(kin)
    shared = pair.words[pair.swap.first] & pair.words[pair.swap.second]
    return {m for m in left if pair.words[m] & shared}


def _maker(
    pair: PairReplay, left: list[Migration], names: list[str], failed: Migration
) -> Migration | None:
    """Return the migration that makes what another one lacks, the likeliest of those left."""
    known = [m for m in left if m != failed and pair.words.has_all(m, names)]
    if not known:
        known = [m for m in left if names[0] in pair.words[m]]
    made = [
        m
        for m in known
        if re.search(
            _MAKES.format(re.escape(names[0])), pair.replayer.text_of(m).lower(), re.DOTALL
        )
    ]
    return next(iter(made or known), None)
