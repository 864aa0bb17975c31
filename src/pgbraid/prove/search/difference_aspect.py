"""The aspect that a search looks for: a difference in one facet, any difference, or a failure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pgbraid.model.snapshot import Difference, Facet
from pgbraid.postgres.catalog.row_identity import Meaning
from pgbraid.postgres.catalog.snapshot_reader import Scope
from pgbraid.prove.comparison.nondeterminism import NOTHING_CHANGES, Changing, without_changing
from pgbraid.prove.comparison.schema_diff import diff_snapshots

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.proof import ReplayFailure, ReplayResult
    from pgbraid.prove.comparison.compare_results import Comparison

__all__ = ["Aspect"]

_POSITION, _FOR = "next value of sequence ", " for "


@dataclass(frozen=True, slots=True)
class Aspect:
    """The difference to search for: certain objects in one facet, any object, or a failure.

    ``names`` are the objects; if it is empty, any object counts. A search replays each order once,
    so it does not compare the values that differ between two replays of one order. ``changing``
    and ``meaning`` define these values in the schema and in the rows.
    """

    facet: Facet | None = None
    names: frozenset[str] = frozenset()
    changing: Changing = NOTHING_CHANGES
    meaning: Meaning = field(default_factory=Meaning)
    failures: tuple[ReplayFailure, ...] = ()
    """The failures to search for, if an order fails."""

    @classmethod
    def of(cls, comparison: Comparison, facet: Facet) -> Aspect:
        """Return the aspect of the differences of a comparison in one facet."""
        names = (d.name for d in comparison.differences if d.facet is facet)
        return cls(facet, frozenset(names), comparison.changing, comparison.meaning)

    @classmethod
    def any(cls, comparison: Comparison | None) -> Aspect:
        """Return the aspect of any difference, except for values of sequences."""
        if comparison is None:
            return cls()
        return cls(changing=comparison.changing, meaning=comparison.meaning)

    def failing(self, failures: Iterable[ReplayFailure | None]) -> Aspect:
        """Return the aspect of these failures."""
        return replace(self, facet=None, failures=tuple(f for f in failures if f))

    @property
    def scope(self) -> Scope | None:
        """The part of a result to read; None if only failures matter."""
        if self.failures:
            return None
        if self.facet is Facet.DATA:
            return Scope(schema=False, rows=self._tables(), meaning=self.meaning)
        # None reads the rows of all tables, an empty set reads the schema only.
        rows = None if self.facet is None else frozenset[str]()
        return Scope(rows=rows, meaning=self.meaning)

    def _tables(self) -> frozenset[str]:
        """Return the labels of the tables whose rows, or whose sequences, differ."""
        labels = set()
        for name in self.names:
            if name.startswith(_POSITION):
                table = name.partition(_FOR)[2].rpartition(".")[0]
                labels.add(f"rows of table {table}")
            else:
                labels.add(name)
        return frozenset(labels)

    def differ(self, left: ReplayResult, right: ReplayResult) -> bool:
        """Return whether two results differ in this aspect; a failure differs from a success."""
        if left.failure or right.failure or left.snapshot is None or right.snapshot is None:
            if left.failure and right.failure:
                return left.failure.key != right.failure.key
            return (left.failure is None) != (right.failure is None)
        return bool(self.differences(left, right))

    def differences(self, left: ReplayResult, right: ReplayResult) -> tuple[Difference, ...]:
        """Return the differences in this aspect, or none if an order failed."""
        if left.snapshot is None or right.snapshot is None:
            return ()
        ours, theirs = (without_changing(s, self.changing) for s in (left.snapshot, right.snapshot))
        return tuple(d for d in diff_snapshots(ours, theirs) if self.includes(d))

    def includes_failure(self, failure: ReplayFailure) -> bool:
        """Return whether this failure is one of the failures to search for."""
        return failure.key in [expected.key for expected in self.failures]

    def includes(self, difference: Difference) -> bool:
        """Return whether a difference belongs to this aspect."""
        if self.facet is None:
            return difference.facet is not Facet.SEQUENCES
        return difference.facet is self.facet and (not self.names or difference.name in self.names)

    def shown_by(self, left: ReplayResult, right: ReplayResult) -> bool:
        """Return whether two results, of orders that differ only in the pair, show this aspect."""
        failures = [result.failure for result in (left, right) if result.failure]
        if not self.failures:
            return not failures and self.differ(left, right)
        keys = [failure.key for failure in failures]
        expected = [failure.key for failure in self.failures]
        if len(failures) > 1:
            # Two equal failures do not depend on the order of the pair.
            return keys == expected and keys[0] != keys[1]
        return bool(failures) and keys[0] in expected
