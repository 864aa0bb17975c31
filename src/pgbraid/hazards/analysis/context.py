"""The input of the rules: the observed migrations, which relations are old, and their sizes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis import estimates
from pgbraid.hazards.analysis.filled_tables import FilledTables
from pgbraid.hazards.analysis.work import Work, works_of
from pgbraid.model.findings import Blocks
from pgbraid.model.hazards.sizes import DEFAULT_RATES, TableSize
from pgbraid.model.observed import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pgbraid.model.hazards.sizes import Rates, Sizes
    from pgbraid.model.observed import (
        FileObservation,
        Relation,
        StatementObservation,
    )

__all__ = ["FileContext", "JudgedSet", "Step", "Weights", "blocks_of"]

_EMPTY = TableSize(0, 0, 0)


def blocks_of(mode: LockMode | None) -> Blocks | None:
    """Return which statements of others wait for a lock."""
    if mode is None or not mode.blocks_writes:
        return None
    return Blocks.READS_AND_WRITES if mode.blocks_reads else Blocks.WRITES


@dataclass(frozen=True, slots=True)
class Step:
    """One statement in its place: its work, and the locks on old relations before and after it.

    ``seconds`` is the estimated time of each work, None if the size of its table is unknown.
    """

    statement: StatementObservation
    before: Mapping[int, Relation]
    """The relations before the statement."""
    held: Mapping[int, LockMode]
    locks: Mapping[int, LockMode]
    writes: frozenset[int]
    """The relations that it is the first of its transaction to write."""
    works: tuple[Work, ...]
    seconds: tuple[float | None, ...]

    @property
    def total(self) -> float | None:
        """The estimated time of the statement; None if a part of it is unknown."""
        if None in self.seconds:
            return None
        return sum(value for value in self.seconds if value is not None)


@dataclass(frozen=True, slots=True)
class Weights:
    """How findings are weighed: the rates, and the seconds of a warning and of an error."""

    rates: Rates = DEFAULT_RATES
    warn: float = 1.0
    error: float = 10.0


def _rows(size: TableSize) -> int:
    return size.rows or 0


class JudgedSet:
    """The migrations that are judged together, as one deploy would run them.

    A relation is old if it was there before the first of them. A new one counts as empty, unless a
    statement fills it from an old one: then it has the size of that one.
    """

    def __init__(
        self,
        files: Iterable[FileObservation],
        sizes: Sizes | None = None,
        weights: Weights | None = None,
        queries: Iterable[str] = (),
    ) -> None:
        self.queries = tuple(queries)
        """The workload: the queries of the running release."""
        self.files = tuple(files)
        self.sizes = sizes
        self.weights = weights or Weights()
        self.old: Mapping[int, Relation] = self.files[0].before.relations if self.files else {}
        self.filled = FilledTables()
        self.unknown: set[str] = set()
        """Names of tables whose size is needed and is not known."""

    def label(self, oid: int, relations: Mapping[int, Relation] | None = None) -> str:
        """Return the name of a relation: that of production if it is old."""
        relation = self.old.get(oid) or (relations or {}).get(oid)
        return relation.label if relation else self.filled.label(oid) or str(oid)

    def size(self, oid: int) -> TableSize | None:
        """Return the size of a relation, or None if it is not known."""
        oid = self.filled.sources.get(oid, oid)
        relation = self.old.get(oid)
        if relation is None:
            return _EMPTY
        found = self.sizes.get(relation.label) if self.sizes else None
        if found is None:
            self.unknown.add(relation.label)
        return found

    def _rows(self, oid: int) -> int:
        size = self.size(oid)
        return (size.rows or 0) if size else 0

    def seconds(self, work: Work) -> float | None:
        """Return the estimated seconds of a piece of work; None if the size is unknown."""
        size = self.size(work.table)
        if size is not None and work.driven:
            driving = [self.size(oid) for oid in work.driven]
            if None in driving:
                return None
            size = min(size, max(filter(None, driving), key=_rows), key=_rows)
        return estimates.seconds(work.kind, size, self.weights.rates, indexes=work.indexes)

    def contexts(self) -> Iterator[FileContext]:
        """Yield the context of each migration, in their order."""
        for file in self.files:
            yield FileContext(self, file, tuple(self._steps(file)))

    def _steps(self, file: FileObservation) -> Iterator[Step]:
        relations = dict(file.before.relations)
        held: dict[int, LockMode] = {}
        written: frozenset[int] = frozenset()
        block = 0
        for statement in file.statements:
            if statement.block != block:
                held, written, block = {}, frozenset(), statement.block
            locks = self._locks_on_tables(statement, relations)
            writing = frozenset(lock.relation for lock in statement.locks if lock.writing)
            works = (
                *works_of(statement, relations, writing - written),
                *self.filled.works(statement, file.before.relations),
            )
            self.filled.note(statement, works, self._rows)
            before = dict(relations)
            for oid, (_, now) in statement.changed.items():
                if now is None:
                    relations.pop(oid, None)
                else:
                    relations[oid] = now
            seconds = tuple(self.seconds(work) for work in works)
            yield Step(statement, before, held, locks, writing - written, works, seconds)
            held, written = dict(locks), writing

    def _locks_on_tables(
        self, statement: StatementObservation, relations: Mapping[int, Relation]
    ) -> dict[int, LockMode]:
        """Return the locks on old tables. A lock on an index keeps the readers of its table out.

        Planning a query opens every index of its tables, so it waits for ACCESS EXCLUSIVE.
        """
        of_index = {i: oid for oid, relation in relations.items() for i in relation.indexes}
        modes: dict[int, LockMode] = {}
        for lock in statement.locks:
            oid = lock.relation
            if oid in of_index:
                if lock.mode is not LockMode.ACCESS_EXCLUSIVE:
                    continue
                oid = of_index[oid]
            if oid in self.old:
                modes[oid] = max(modes.get(oid, lock.mode), lock.mode)
        return modes


@dataclass(frozen=True, slots=True)
class FileContext:
    """One judged migration, its statements in their order."""

    judged: JudgedSet
    file: FileObservation
    steps: tuple[Step, ...]
    _roots: dict[int, int] = field(default_factory=dict, repr=False, compare=False)

    def is_old(self, oid: int) -> bool:
        """Whether a relation was there before the judged migrations."""
        return oid in self.judged.old

    def root(self, oid: int) -> int:
        """Return the partitioned table at the top of a partition; else the relation itself."""
        relations = self.file.before.relations
        seen = {oid}
        while (relation := relations.get(oid)) and relation.parent and relation.parent not in seen:
            oid = relation.parent
            seen.add(oid)
        return oid

    def label(self, oid: int) -> str:
        """Return the name of a relation in production; of a new one, its name in the migration."""
        return self.judged.label(oid, {**self.file.after.relations, **self.file.before.relations})

    def since(self, step: Step, oid: int, mode: LockMode) -> int:
        """Return the number of the first statement with a lock that blocks as ``mode`` does."""
        for earlier in self.steps:
            same = earlier.statement.block == step.statement.block
            held = earlier.locks.get(oid) if same else None
            if held and held.blocks_writes and held.blocks_reads >= mode.blocks_reads:
                return earlier.statement.number
        return step.statement.number
