"""Results of proofs: the verdict on two orders, and the pair of migrations that conflicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pgbraid.model import sqlstate
from pgbraid.model.catalog_names import display_name
from pgbraid.model.snapshot import Facet

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pgbraid.model.findings import HazardReport
    from pgbraid.model.migration import Diagnostic, Migration
    from pgbraid.model.snapshot import Difference, Snapshot

__all__ = [
    "ConflictingPair",
    "DriftReport",
    "Proof",
    "ReplayFailure",
    "ReplayResult",
    "Squash",
    "Verdict",
    "explain_pair",
    "verdict_of",
]


class Verdict(StrEnum):
    """How the results of two orders compare, from the best to the worst."""

    SAME = "same"
    """Both orders give the same result."""
    COLUMN_ORDER = "column order only"
    ENUM_ORDER = "enum order"
    DIFFERENT = "different"
    FAILS = "fails"
    """One order fails, or both fail with different errors."""
    NOT_REPLAYED = "not replayed"
    """Nothing was compared: both orders fail alike, or the server lacks objects that they need."""

    @property
    def word(self) -> str:
        """The verdict as the setting ``accept`` spells it."""
        return self.value.removesuffix(" only").replace(" ", "-")

    @property
    def explanation(self) -> str:
        """What the verdict says about the two orders, in one sentence without its full stop."""
        return _EXPLANATIONS[self.value]


_EXPLANATIONS = {
    "same": "both orders end with the same schema and rows",
    "column order only": "the two orders end with different orders of columns",
    "enum order": "the two orders end with different orders of enum values",
    "different": "the two orders end with different schemas or rows",
    "fails": "a migration fails in one of the two orders",
    "not replayed": "the migrations cannot be replayed here; nothing was compared",
}


_MISSING_OBJECT_CODES = frozenset(
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
"""SQLSTATEs of missing objects (relation, column, function, schema, database, file), of features
that a build does not support, of missing privileges, and of unknown settings."""


@dataclass(frozen=True, slots=True)
class ReplayFailure:
    """A migration that failed in a replay, and the server's error."""

    migration: Migration
    diagnostic: Diagnostic

    @property
    def needs_missing_object(self) -> bool:
        """Whether the error is about an object that a platform or another server may have."""
        return self.diagnostic.sqlstate in _MISSING_OBJECT_CODES

    @property
    def key(self) -> tuple[int, str | None, str]:
        """Version, SQLSTATE and message; two failures with the same key count as equal."""
        return self.migration.version, self.diagnostic.sqlstate, self.diagnostic.message


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The result of a replay: a snapshot of the database, or a failure."""

    snapshot: Snapshot | None = None
    failure: ReplayFailure | None = None


@dataclass(frozen=True, slots=True)
class ConflictingPair:
    """Two migrations that do not commute, with the few migrations that they need (``context``).

    The recorded order runs ``first`` before ``second``; it is the left side of ``differences``.
    The order of versions runs ``second`` before ``first``; it is the right side.
    """

    context: tuple[Migration, ...]
    first: Migration
    second: Migration
    differences: tuple[Difference, ...] = ()
    recorded_failure: ReplayFailure | None = None
    version_failure: ReplayFailure | None = None
    after: tuple[Migration, ...] = ()
    """Migrations that must run after the pair for the difference to show."""
    minimal: bool = True
    """Whether ``context`` is minimal; False if the search was cut short."""

    @property
    def sentence(self) -> str:
        """The reason why the pair does not commute, in one sentence."""
        return explain_pair(self)


@dataclass(frozen=True, slots=True)
class Proof:
    """The comparison of two orders of the same migrations.

    ``recorded_order`` is the order that is or would be recorded; ``version_order`` is the order of
    versions, as a fresh database runs them.
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
    """The reason why the orders differ but no pair is named."""
    search_replays: float = 0.0
    """The work of the search for the pair and its example, in replays of all migrations."""
    cut_short: bool = False
    """Whether a limit ended the search before it had the smallest example."""
    not_compared: tuple[str, ...] = ()
    """Values that were not compared, with the reason: values that differ between two replays of
    one order, generated keys, unreadable rows."""
    provided: tuple[str, ...] = ()
    """Objects created on the scratch server because the migrations expect them."""
    notes: tuple[str, ...] = ()
    """Notes for the user on how the two orders were determined."""
    label: str = "as recorded"
    """The name of the left order."""
    server: str = ""
    cluster: bool = False
    """Whether the objects of the whole server, such as roles, were compared, too."""
    allowed_reason: str | None = None
    """The reason that an out-of-order migration gives for allowing the difference."""
    hazards: HazardReport | None = None
    """The hazards of the pending or added migrations, if they were replayed."""

    @property
    def ok(self) -> bool:
        """Whether both orders give the same result, or an allowed difference."""
        return self.verdict is Verdict.SAME or self.allowed_reason is not None

    @property
    def needs_missing_object(self) -> bool:
        """Whether nothing was compared because the server lacks an object that others may have."""
        failure = self.recorded_failure or self.version_failure
        return (
            self.verdict is Verdict.NOT_REPLAYED
            and failure is not None
            and failure.needs_missing_object
        )

    @property
    def complete(self) -> bool:
        """Whether no value was left out of the comparison."""
        return not self.not_compared


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The differences between a database and a replay of its recorded history.

    The left side of each difference is the database, the right side the replay.
    """

    differences: tuple[Difference, ...]
    replayed: int
    """The number of replayed migrations."""
    ignored: int = 0
    """The number of differences that match a pattern of ``ignore``."""
    not_compared: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    server: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is no difference."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Squash:
    """A baseline that replaces migrations, compared with a replay of these migrations.

    The left side of each difference is the replay of the migrations, the right side that of the
    baseline.
    """

    baseline: Migration
    text: str = field(repr=False)
    """The text of the baseline."""
    replaced: tuple[Migration, ...]
    deleted: tuple[str, ...] = ()
    """The paths of the replaced files, down files included."""
    differences: tuple[Difference, ...] = ()
    failure: ReplayFailure | None = None
    """The failure of the baseline."""
    lost: tuple[str, ...] = ()
    """What the migrations change on the server, and the baseline does not."""
    frozen: tuple[str, ...] = ()
    """Values that differ between two replays of the migrations, of which the baseline has one."""
    without_effect: tuple[str, ...] = ()
    """Objects that differ only in a value that has no effect."""
    not_compared: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    server: str = ""
    history_seconds: float = 0.0
    """The time to replay the migrations."""
    baseline_seconds: float = 0.0
    """The time to replay the baseline."""
    dry_run: bool = False
    """Whether nothing was to be written."""

    @property
    def ok(self) -> bool:
        """Whether the baseline gives the same schema and rows."""
        return not (self.differences or self.lost) and self.failure is None


_BY_FACET = {
    Facet.SCHEMA: Verdict.DIFFERENT,
    Facet.DATA: Verdict.DIFFERENT,
    Facet.ENUM_ORDER: Verdict.ENUM_ORDER,
    Facet.COLUMN_ORDER: Verdict.COLUMN_ORDER,
}


def verdict_of(facets: AbstractSet[Facet]) -> Verdict:
    """Return the worst verdict among the facets in which two results differ."""
    verdicts = [_BY_FACET.get(facet, Verdict.SAME) for facet in facets]
    return max(verdicts, key=list(Verdict).index, default=Verdict.SAME)


def explain_pair(pair: ConflictingPair) -> str:
    """Return one sentence that explains why two migrations do not commute."""
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
    return _difference_text(pair.differences[0], pair.second.label)


def _failed(failure: ReplayFailure, pair: ConflictingPair) -> str:
    """Return which migration of a pair fails, and whether it needs the other one or not."""
    failed = failure.migration
    in_left = failure is pair.recorded_failure
    last = pair.second if in_left else pair.first
    if failed not in {pair.first, pair.second}:
        return f"{failed.label}, which follows, fails if {last.label} runs last"
    other = pair.second if failed == pair.first else pair.first
    if failed == last:
        return f"{failed.label} fails after {other.label}"
    # Only if the other order succeeds, the migration that runs first needs the other one.
    both_fail = pair.recorded_failure and pair.version_failure
    return f"{failed.label} fails " + (
        f"before {other.label}" if both_fail else f"unless {other.label} has run"
    )


def _difference_text(difference: Difference, label: str) -> str:
    """Return the difference between a migration run out of order (left) and in order (right)."""
    name = difference.name
    attribute = difference.attributes[0] if difference.attributes else None
    if name.startswith("next value of "):
        side = "out of order" if difference.only == "left" else "in order"
        return f"run {side}, {label} leaves a {name} that a row already has, so an INSERT fails"
    if difference.only == "right":
        return f"run out of order, {label} leaves no {name}; run in order, it leaves one"
    if difference.only or attribute is None:
        return f"run out of order, {label} leaves {name}; run in order, it leaves none"
    if difference.facet in _FACET_TEXTS:
        return _FACET_TEXTS[difference.facet].format(label=label, name=name)
    shown = display_name(attribute.name)
    left, right = attribute.left, attribute.right
    if left and right and len(left) + len(right) <= _SHORT:
        return (
            f"run out of order, {label} leaves {name} with {shown} {left}; in order, with {right}"
        )
    return f"run out of order, {label} leaves {name} with another {shown}"


_FACET_TEXTS = {
    Facet.COLUMN_ORDER: "run out of order, {label} leaves the columns of {name} in another order",
    Facet.ENUM_ORDER: "run out of order, {label} leaves the values of {name} in another order",
    Facet.DATA: "run out of order, {label} leaves other {name}",
}
_SHORT = 80
"""Maximum length of two values together that are shown in a sentence."""
