"""The respect in which two orders differ, as a search asks about it again and again."""

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
    """What must differ: some objects in one facet, any object, or whether an order fails.

    ``names`` are the objects; none stands for any. What ``changing`` and ``meaning`` say differs
    from replay to replay, so a search, which replays each order once, leaves it out.
    """

    facet: Facet | None = None
    names: frozenset[str] = frozenset()
    changing: Changing = NOTHING_CHANGES
    meaning: Meaning = field(default_factory=Meaning)
    failures: tuple[ReplayFailure, ...] = ()
    """The failures that are asked about, where it is whether an order fails."""

    @classmethod
    def of(cls, comparison: Comparison, facet: Facet) -> Aspect:
        """Return the aspect of what a comparison found in one facet."""
        names = (d.name for d in comparison.differences if d.facet is facet)
        return cls(facet, frozenset(names), comparison.changing, comparison.meaning)

    @classmethod
    def any(cls, comparison: Comparison | None) -> Aspect:
        """Return the aspect of any difference at all, but of values of sequences."""
        if comparison is None:
            return cls()
        return cls(changing=comparison.changing, meaning=comparison.meaning)

    def failing(self, failures: Iterable[ReplayFailure | None]) -> Aspect:
        """Return the aspect of these failures."""
        return replace(self, facet=None, failures=tuple(f for f in failures if f))

    @property
    def scope(self) -> Scope | None:
        """What has to be read of a result; None where only failures matter."""
        if self.failures:
            return None
        if self.facet is Facet.DATA:
            return Scope(schema=False, rows=self._tables(), meaning=self.meaning)
        rows = None if self.facet is None else frozenset[str]()
        return Scope(rows=rows, meaning=self.meaning)

    def _tables(self) -> frozenset[str]:
        """Return the labels of the tables whose rows differ, or whose sequence stands elsewhere."""
        found = set()
        for name in self.names:
            if name.startswith(_POSITION):
                table = name.partition(_FOR)[2].rpartition(".")[0]
                found |= {f"rows of table {table}"}
            else:
                found.add(name)
        return frozenset(found)

    def differ(self, left: ReplayResult, right: ReplayResult) -> bool:
        """Whether two results differ in this respect; one that failed differs from one that ran."""
        if left.failure or right.failure or left.snapshot is None or right.snapshot is None:
            if left.failure and right.failure:
                return left.failure.key != right.failure.key
            return (left.failure is None) != (right.failure is None)
        return bool(self.differences(left, right))

    def differences(self, left: ReplayResult, right: ReplayResult) -> tuple[Difference, ...]:
        """Return the differences that are asked about between two results, none if one failed."""
        if left.snapshot is None or right.snapshot is None:
            return ()
        ours, theirs = (without_changing(s, self.changing) for s in (left.snapshot, right.snapshot))
        return tuple(d for d in diff_snapshots(ours, theirs) if self.is_about(d))

    def asks(self, failure: ReplayFailure) -> bool:
        """Whether it is this failure that is asked about."""
        return failure.key in [asked.key for asked in self.failures]

    def is_about(self, difference: Difference) -> bool:
        """Whether a difference is one that is asked about."""
        if self.facet is None:
            return difference.facet is not Facet.SEQUENCES
        return difference.facet is self.facet and (not self.names or difference.name in self.names)

    def shown_by(self, left: ReplayResult, right: ReplayResult) -> bool:
        """Whether the results of two orders, of which only a pair differs, show this aspect."""
        failures = [ended.failure for ended in (left, right) if ended.failure]
        if not self.failures:
            return not failures and self.differ(left, right)
        keys = [failure.key for failure in failures]
        asked = [failure.key for failure in self.failures]
        if len(failures) > 1:
            return keys == asked and keys[0] != keys[1]
        return bool(failures) and keys[0] in asked
