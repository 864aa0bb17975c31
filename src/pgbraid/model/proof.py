"""The nouns of proofs: what two orders came to, and the pair that is to blame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pgbraid.model import sqlstate
from pgbraid.model.catalog_names import display_name
from pgbraid.model.snapshot import Facet

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pgbraid.model.migration import Diagnostic, Migration
    from pgbraid.model.snapshot import Difference, Snapshot

__all__ = [
    "ConflictingPair",
    "DriftReport",
    "Proof",
    "ReplayFailure",
    "ReplayResult",
    "Verdict",
    "explain_pair",
    "verdict_of",
]


class Verdict(StrEnum):
    """How the results of two orders compare, the best first."""

    SAME = "same"
    """They are equal."""
    COLUMN_ORDER = "column order only"
    ENUM_ORDER = "enum order"
    DIFFERENT = "different"
    FAILS = "fails"
    """An order fails, or both do, each in its own way."""
    NOT_REPLAYED = "not replayed"
    """Both orders fail alike, or the server lacks what they need: nothing was compared."""

    @property
    def word(self) -> str:
        """The verdict as the settings name it."""
        return self.value.removesuffix(" only").replace(" ", "-")


_LACKING = frozenset(
    {
        sqlstate.UNDEFINED_TABLE,
        sqlstate.UNDEFINED_COLUMN,
        sqlstate.UNDEFINED_FUNCTION,
        sqlstate.UNDEFINED_OBJECT,
        sqlstate.INVALID_SCHEMA_NAME,
        sqlstate.INVALID_CATALOG_NAME,
        sqlstate.UNDEFINED_FILE,
        sqlstate.FEATURE_NOT_SUPPORTED,
        sqlstate.INSUFFICIENT_PRIVILEGE,
        sqlstate.INVALID_PARAMETER_VALUE,
    }
)
"""Codes of errors about what is not there: a relation, column, function, object, schema, database
or file; what a build does not support, rights, and settings that are not known."""


@dataclass(frozen=True, slots=True)
class ReplayFailure:
    """A migration that failed in a replay, and what the server said."""

    migration: Migration
    diagnostic: Diagnostic

    @property
    def lacks_something(self) -> bool:
        """Whether it failed for want of something that a platform or another server may have."""
        return self.diagnostic.sqlstate in _LACKING

    @property
    def key(self) -> tuple[int, str | None, str]:
        """What makes two failures one and the same."""
        return self.migration.version, self.diagnostic.sqlstate, self.diagnostic.message


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay came to: what was read of the result, or a failure."""

    snapshot: Snapshot | None = None
    failure: ReplayFailure | None = None


@dataclass(frozen=True, slots=True)
class ConflictingPair:
    """Two migrations that do not commute behind the few that they need.

    ``first`` stands before ``second`` in the order that was recorded. ``differences`` are those
    between first, then second, on the left and second, then first, on the right; a failure is of
    the side it says.
    """

    context: tuple[Migration, ...]
    first: Migration
    second: Migration
    differences: tuple[Difference, ...] = ()
    recorded_failure: ReplayFailure | None = None
    version_failure: ReplayFailure | None = None
    after: tuple[Migration, ...] = ()
    """What has to run behind the two before the difference shows."""
    minimal: bool = True
    """Whether nothing can be left out of the context; else the time was up."""

    @property
    def sentence(self) -> str:
        """The reason in one sentence."""
        return explain_pair(self)


@dataclass(frozen=True, slots=True)
class Proof:
    """What two orders of the same migrations came to.

    ``recorded_order`` is the order as it was recorded or would be, ``version_order`` the order of
    the versions, in which a fresh database runs them.
    """

    verdict: Verdict
    recorded_order: tuple[Migration, ...]
    version_order: tuple[Migration, ...]
    out_of_order: tuple[Migration, ...] = ()
    inversions: int = 0
    replays: int = 0
    differences: tuple[Difference, ...] = ()
    recorded_failure: ReplayFailure | None = None
    version_failure: ReplayFailure | None = None
    pair: ConflictingPair | None = None
    no_pair: str | None = None
    """Why no pair is named, where the orders differ and none is."""
    not_compared: tuple[str, ...] = ()
    """What was not compared, and why: values that differ between two replays of one order,
    generated keys, rows that may not be read."""
    provided: tuple[str, ...] = ()
    """What was made on the scratch server because migrations take it for granted."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the orders came about."""
    label: str = "as recorded"
    """What the left order is called."""
    server: str = ""
    allowed_reason: str | None = None
    """The reason for which a late migration allows the difference."""

    @property
    def ok(self) -> bool:
        """Whether both orders end the same, or differ in what is allowed."""
        return self.verdict is Verdict.SAME or self.allowed_reason is not None

    @property
    def lacks_something(self) -> bool:
        """Whether nothing was compared for want of what a platform or another server may have."""
        failure = self.recorded_failure or self.version_failure
        return (
            self.verdict is Verdict.NOT_REPLAYED and failure is not None and failure.lacks_something
        )

    @property
    def complete(self) -> bool:
        """Whether everything was compared."""
        return not self.not_compared


@dataclass(frozen=True, slots=True)
class DriftReport:
    """How a database differs from what its recorded history builds.

    The left side of each difference is the database, the right side what its history builds.
    """

    differences: tuple[Difference, ...]
    replayed: int
    """How many migrations were replayed."""
    ignored: int = 0
    """How many differences the patterns to ignore match."""
    not_compared: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
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


def explain_pair(pair: ConflictingPair) -> str:
    """Return in one sentence why two migrations do not commute."""
    first, second = pair.first.label, pair.second.label
    return f"{first} and {second} do not commute: {_why(pair)}"


def _why(pair: ConflictingPair) -> str:
    left, right = pair.recorded_failure, pair.version_failure
    if left and right:
        return f"{_failed(left, pair)}, and in the other order {_failed(right, pair)}"
    failure = left or right
    if failure:
        return f"{_failed(failure, pair)}: {failure.diagnostic.message}"
    if not pair.differences:
        return "their results differ"
    return _told(pair.differences[0], pair.second.label)


def _failed(failure: ReplayFailure, pair: ConflictingPair) -> str:
    """Say which of a pair fails, and whether for want of the other one or because of it."""
    one = failure.migration
    in_left = failure is pair.recorded_failure
    last = pair.second if in_left else pair.first
    if one not in {pair.first, pair.second}:
        return f"{one.label}, which follows, fails if {last.label} runs last"
    other = pair.second if one == pair.first else pair.first
    return f"{one.label} fails " + (
        f"behind {other.label}" if one == last else f"unless {other.label} has run"
    )


def _told(difference: Difference, late: str) -> str:
    """Say what differs between the late migration run late, on the left, and run in order."""
    name, fact = difference.name, difference.attributes[0] if difference.attributes else None
    if name.startswith("next value of "):
        side = "run late" if difference.only == "left" else "run in order"
        return f"{side}, {late} leaves the {name} one that a row has, so that an INSERT fails"
    if difference.only == "right":
        return f"run late, {late} leaves no {name}; run in order, it leaves one"
    if difference.only or fact is None:
        return f"run late, {late} leaves {name}; run in order, it leaves none"
    if difference.facet in _SAID:
        return _SAID[difference.facet].format(late=late, name=name)
    said = display_name(fact.name)
    if fact.left and fact.right and len(fact.left) + len(fact.right) <= _SHORT:
        return (
            f"run late, {late} leaves {name} with {said} {fact.left}; run in order, with "
            f"{fact.right}"
        )
    return f"run late, {late} leaves {name} with another {said}"


_SAID = {
    Facet.COLUMN_ORDER: "run late, {late} leaves the columns of {name} in another order",
    Facet.ENUM_ORDER: "run late, {late} leaves the values of {name} in another order",
    Facet.DATA: "run late, {late} leaves other {name}",
}
_SHORT = 80
"""Characters that two values may have to stand in a sentence."""
