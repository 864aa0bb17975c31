"""Finds a small example: the few migrations after which a pair still does not commute.

The example starts with the pair alone. While it fails because an object is missing, the migration
that creates the object is added; the error message of the server names the object. Then the
migrations that the pair does not need are removed. If growing fails, all migrations before the pair
are reduced by delta debugging, which needs many replays. The search is cut short when its budget
allows no more replays. If the pair comes from the bisection, the example is then only larger than
necessary; a guess that is still growing is given up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model import sqlstate
from pgbraid.prove.search.orders import ddmin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ReplayFailure, ReplayResult
    from pgbraid.prove.replay.replayer import Base, Replayer
    from pgbraid.prove.search.budget import Budget
    from pgbraid.prove.search.difference_aspect import Aspect
    from pgbraid.prove.search.orders import Swap
    from pgbraid.prove.search.shared_words import Words

    Replay = Callable[[Base, Sequence[Migration]], ReplayResult]

__all__ = ["Minimal", "PairReplay", "grown_context", "minimal_context"]

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
"""SQLSTATEs of errors that a missing migration can cause: an undefined table, column, function,
type or schema, a second primary key, a missing referred row, an unknown enum value."""
_NAMED = re.compile(r'"([^"]+)"|(?:type|function|procedure|column|relation|table|schema) ([\w.$]+)')
_WORD = re.compile(r"[A-Za-z_][\w$]*")
_MAKES = r"\b(?:create|add|rename|to|insert)\b[^;]*?\b{}\b"
_ROUNDS = 60
"""The maximum number of times that an example grows."""
_MOST_RELATED = 3
"""The number of migrations to add at once that share names with a failing migration."""


@dataclass(frozen=True, slots=True)
class Minimal:
    """The context that a pair needs; ``proven`` if no migration of it can be left out."""

    context: tuple[Migration, ...]
    aspect: Aspect
    proven: bool = True


class PairReplay:
    """Replays a pair in both orders, with some of the migrations before and after it."""

    def __init__(  # noqa: PLR0913, PLR0917 - the pair, and how to replay it
        self,
        replayer: Replayer,
        root: Base,
        swap: Swap[Migration],
        replay: Replay,
        words: Words,
        total: int,
    ) -> None:
        self.replayer, self.root, self.swap, self._replay = replayer, root, swap, replay
        self.words, self._total = words, total

    def cost(self, context: Sequence[Migration]) -> float:
        """Return the work of one replay of the pair with a context, in plain replays."""
        return (len(context) + 2) / self._total

    def orders(self, context: Iterable[Migration]) -> tuple[list[Migration], list[Migration]]:
        """Return the two orders of the pair with the migrations of a context."""
        chosen, swap = set(context), self.swap
        before = [m for m in swap.before if m in chosen]
        after = [m for m in swap.after if m in chosen]
        return (
            [*before, swap.first, swap.second, *after],
            [*before, swap.second, swap.first, *after],
        )

    def first(self, context: Iterable[Migration], aspect: Aspect) -> ReplayResult:
        """Replay the pair in the first order with a context, and return the result."""
        self.replayer.scope = aspect.scope
        return self._replay(self.root, self.orders(context)[0])

    def second(self, context: Iterable[Migration], aspect: Aspect) -> ReplayResult:
        """Replay the pair in the second order with a context, and return the result."""
        self.replayer.scope = aspect.scope
        return self._replay(self.root, self.orders(context)[1])

    def shows(self, context: Sequence[Migration], aspect: Aspect, budget: Budget) -> bool:
        """Return whether the pair does not commute with a context.

        Return False without a replay if the budget does not allow both orders.
        """
        if not budget.take(2 * self.cost(context)):
            return False
        return aspect.shown_by(self.first(context, aspect), self.second(context, aspect))


def minimal_context(pair: PairReplay, aspects: Sequence[Aspect], budget: Budget) -> Minimal:
    """Return a small context in which the orders of the pair differ in the first shown aspect.

    When the budget is spent, return the fewest migrations found so far. Raises what the replays
    raise.
    """
    swap = pair.swap
    for aspect in aspects:
        minimal = grown_context(pair, aspect, budget, budget)
        if minimal:
            return minimal
        for whole in (swap.before, (*swap.before, *swap.after)):
            if pair.shows(whole, aspect, budget):
                return _reduced(pair, aspect, whole, budget)
    # With all of these migrations the bisection has seen the difference.
    return Minimal((*swap.before, *swap.after), aspects[-1], proven=False)


def grown_context(
    pair: PairReplay, aspect: Aspect, growing: Budget, shrinking: Budget
) -> Minimal | None:
    """Return few migrations with which a pair does not commute, grown from an empty context.

    Return None if growing does not succeed in its budget. Raises what the replays raise.
    """
    context = _grown(pair, aspect, growing)
    return None if context is None else _reduced(pair, aspect, context, shrinking)


def _reduced(
    pair: PairReplay, aspect: Aspect, context: tuple[Migration, ...], budget: Budget
) -> Minimal:
    """Remove the migrations of a context that the pair does not need."""
    budget = budget.part()
    reduced = ddmin(context, lambda some: pair.shows(some, aspect, budget))
    return Minimal(reduced, aspect, proven=not budget.cut_short)


def _grown(pair: PairReplay, aspect: Aspect, budget: Budget) -> tuple[Migration, ...] | None:
    """Add the migrations that the failures require, until the pair does not commute."""
    chosen: tuple[Migration, ...] = ()
    for _ in range(_ROUNDS):
        if not budget.take(pair.cost(chosen)):
            return None
        # The second order is replayed only if the first one lacks nothing.
        ends: tuple[ReplayResult, ...] = (pair.first(chosen, aspect),)
        if not _lacks(ends[0], aspect):
            if not budget.take(pair.cost(chosen)):
                return None
            ends = (ends[0], pair.second(chosen, aspect))
            if aspect.shown_by(*ends):
                return chosen
        failures = [end.failure for end in ends if end.failure]
        more = _needed(pair, chosen, [f for f in failures if not aspect.includes_failure(f)])
        if not more:
            return None
        chosen = tuple(m for m in pair.swap.before if m in chosen or m in more)
    return None


def _lacks(result: ReplayResult, aspect: Aspect) -> bool:
    """Return whether an order failed because of a missing object, and not as the aspect expects."""
    failure = result.failure
    if failure is None or aspect.includes_failure(failure):
        return False
    return failure.diagnostic.sqlstate in _MISSING


def _needed(
    pair: PairReplay, chosen: tuple[Migration, ...], failures: list[ReplayFailure]
) -> set[Migration]:
    """Return migrations to add to the context: the creators of missing objects, or related ones."""
    remaining = [m for m in pair.swap.before if m not in chosen]
    for failure in failures:
        if failure.diagnostic.sqlstate not in _MISSING:
            continue
        message = failure.diagnostic.message.lower()
        names = [
            word
            for groups in _NAMED.findall(message)
            for word in _WORD.findall("".join(groups).rpartition(".")[2])
        ]
        # One migration at a time: the next failure shows whether another one is needed.
        creator = _creator(pair, remaining, names, failure.migration) if names else None
        if creator:
            return {creator}
    for failure in failures:
        if failure.migration in chosen:
            # A migration of the context fails: an earlier one, which it depends on, is missing.
            place = pair.swap.before.index(failure.migration)
            earlier = [m for m in pair.swap.before[:place] if m not in chosen]
            if related := pair.words.nearest(failure.migration, earlier)[:_MOST_RELATED]:
                return set(related)
    shared = pair.words[pair.swap.first] & pair.words[pair.swap.second]
    return {m for m in remaining if pair.words[m] & shared}


def _creator(
    pair: PairReplay, remaining: list[Migration], names: list[str], failed: Migration
) -> Migration | None:
    """Return the remaining migration that most likely creates the object another one lacks."""
    candidates = [m for m in remaining if m != failed and pair.words.has_all(m, names)]
    if not candidates:
        candidates = [m for m in remaining if names[0] in pair.words[m]]
    pattern = re.compile(_MAKES.format(re.escape(names[0])), re.DOTALL)
    creating = [m for m in candidates if pattern.search(pair.replayer.text_of(m).lower())]
    return next(iter(creating or candidates), None)
