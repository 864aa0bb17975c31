"""The nouns of proofs: what two orders came to, and the pair that is to blame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pgbraid.core.facts import spoken
from pgbraid.core.snapshot import DEFINITION, Facet

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pgbraid.core.answers import Diagnostic
    from pgbraid.core.model import Migration
    from pgbraid.core.snapshot import Difference, Snapshot

__all__ = ["Drifted", "Ended", "Failure", "Pair", "Proof", "Verdict", "explain_pair", "verdict_of"]


class Verdict(StrEnum):
    """How the results of two orders compare, the best first."""

    SAME = "same"
    """They are equal."""
    COLUMN_ORDER = "column order only"
    ENUM_ORDER = "enum order"
    DIFFERENT = "different"
    FAILS = "fails"

    @property
    def word(self) -> str:
        """The verdict as the settings name it."""
        return self.value.removesuffix(" only").replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Failure:
    """A migration that failed in a replay, and what the server said."""

    migration: Migration
    diagnostic: Diagnostic

    @property
    def key(self) -> tuple[int, str | None, str]:
        """What makes two failures one and the same."""
        return self.migration.version, self.diagnostic.sqlstate, self.diagnostic.message


@dataclass(frozen=True, slots=True)
class Ended:
    """What a replay came to: a schema, or a failure."""

    snapshot: Snapshot | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two migrations that do not commute behind the few that they need.

    ``first`` stands before ``second`` in the order that was recorded. ``differences`` are those
    between first, then second, on the left and second, then first, on the right; a failure is of
    the side it says.
    """

    context: tuple[Migration, ...]
    first: Migration
    second: Migration
    differences: tuple[Difference, ...] = ()
    left_failure: Failure | None = None
    right_failure: Failure | None = None
    after: tuple[Migration, ...] = ()
    """What has to run behind the two before the difference shows."""
    confirmed: bool = True
    """Whether both orders of it were replayed on databases of their own."""

    @property
    def sentence(self) -> str:
        """The reason in one sentence."""
        return explain_pair(self)


@dataclass(frozen=True, slots=True)
class Proof:
    """What two orders of the same migrations came to.

    ``left`` is the order as it was recorded or would be, ``right`` the order of the versions, in
    which a fresh database runs them.
    """

    verdict: Verdict
    left: tuple[Migration, ...]
    right: tuple[Migration, ...]
    late: tuple[Migration, ...] = ()
    inversions: int = 0
    replays: int = 0
    differences: tuple[Difference, ...] = ()
    left_failure: Failure | None = None
    right_failure: Failure | None = None
    pair: Pair | None = None
    left_out: tuple[str, ...] = ()
    """What was not compared: columns of tables, and what differs between two equal replays."""
    assumed: tuple[str, ...] = ()
    """What was made on the scratch server because migrations take it for granted."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the orders came about."""
    label: str = "as recorded"
    """What the left order is called."""
    server: str = ""
    allowed: str | None = None
    """The reason for which a late migration allows the difference."""

    @property
    def ok(self) -> bool:
        """Whether both orders end the same, or differ in what is allowed."""
        return self.verdict is Verdict.SAME or self.allowed is not None


@dataclass(frozen=True, slots=True)
class Drifted:
    """How a database differs from what its recorded history builds.

    The left side of each difference is the database, the right side what its history builds.
    """

    differences: tuple[Difference, ...]
    replayed: int
    """How many migrations were replayed."""
    ignored: int = 0
    """How many differences the patterns to ignore match."""
    left_out: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    server: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing has drifted."""
        return not self.differences


_BY_FACET = {
    Facet.SCHEMA: Verdict.DIFFERENT,
    Facet.DATA: Verdict.DIFFERENT,
    Facet.ENUM_ORDER: Verdict.ENUM_ORDER,
    Facet.COLUMN_ORDER: Verdict.COLUMN_ORDER,
}


def verdict_of(facets: AbstractSet[Facet]) -> Verdict:
    """Return the verdict on results that differ in these respects."""
    found = [_BY_FACET.get(facet, Verdict.SAME) for facet in facets]
    return max(found, key=list(Verdict).index, default=Verdict.SAME)


def explain_pair(pair: Pair) -> str:
    """Return in one sentence why two migrations do not commute."""
    first, second = pair.first.label, pair.second.label
    return f"{first} and {second} do not commute: {_why(pair)}"


def _why(pair: Pair) -> str:
    left, right = pair.left_failure, pair.right_failure
    if left and right:
        return f"{_failed(left, pair)}, and in the other order {_failed(right, pair)}"
    failure = left or right
    if failure:
        return f"{_failed(failure, pair)}: {failure.diagnostic.message}"
    if not pair.differences:
        return "their results differ"
    difference = pair.differences[0]
    return _told(difference, pair.second.label, pair.first.label)


def _failed(failure: Failure, pair: Pair) -> str:
    """Say which of a pair fails, and whether for want of the other one or because of it."""
    one = failure.migration
    in_left = failure is pair.left_failure
    last = pair.second if in_left else pair.first
    if one not in {pair.first, pair.second}:
        return f"{one.label}, which follows, fails if {last.label} runs last"
    other = pair.second if one == pair.first else pair.first
    return f"{one.label} fails " + (
        f"behind {other.label}" if one == last else f"unless {other.label} has run"
    )


def _told(difference: Difference, left: str, right: str) -> str:
    """Say what differs; on the left one migration ran last, on the right the other."""
    name = difference.name
    if difference.only:
        last = left if difference.only == "left" else right
        return f"{name} is there only if {last} runs last"
    if difference.facet in _SAID:
        return _SAID[difference.facet].format(name)
    fact = difference.facts[0]
    said = spoken(fact.name)
    if fact.left and fact.right and len(fact.left) + len(fact.right) <= _SHORT:
        lasts = f"{fact.left} if {left} runs last, {fact.right} if {right} does"
        return f"{name} has {said} {lasts}"
    other = "is another one" if fact.name == DEFINITION else f"has other {said}"
    return f"{name} {other} if {right} runs last"


_SAID = {
    Facet.COLUMN_ORDER: "the columns of {} stand in another order",
    Facet.ENUM_ORDER: "the values of {} stand in another order",
    Facet.DATA: "{} are not the same",
}
_SHORT = 80
"""Characters that two values may have to stand in a sentence."""
