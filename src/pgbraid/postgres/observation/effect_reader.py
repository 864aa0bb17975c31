"""Reads after each statement which relations it locked, read, wrote and changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgbraid.model.observed import LockMode, ObservedLock
from pgbraid.model.units import parse_duration
from pgbraid.postgres.observation.catalog_reader import relation_of
from pgbraid.postgres.observation.catalog_statements import answer_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg.pq.abc import PGresult

    from pgbraid.model.observed import Relation
    from pgbraid.postgres.observation.catalog_statements import CatalogStatements

__all__ = ["EffectReader", "Effects", "Known"]

_CHANGES_TABLES = LockMode.SHARE_UPDATE_EXCLUSIVE
"""The weakest lock of a statement that changes a table: COMMENT, CREATE STATISTICS, VALIDATE."""


@dataclass(slots=True, frozen=True)
class Known:
    """The relations as they are after the last statement; None is a relation that is gone."""

    relations: dict[int, Relation | None]
    highest: int
    """The highest oid of a relation before the migration: those above it are new."""
    transaction: str
    """The id of the migration's first transaction."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What one statement did, as far as the server shows it."""

    locks: tuple[ObservedLock, ...]
    scans: dict[int, int]
    written: dict[int, int]
    files: dict[int, int]
    changed: dict[int, tuple[Relation, Relation | None]]
    created: dict[int, tuple[str, str]]


class EffectReader:
    """Reads the effects of each statement of one transaction; keeps the counters before it.

    ``lock_timeout`` is the setting in force for the next statement, in seconds.
    """

    def __init__(self, statements: CatalogStatements, known: Known, lock_timeout: float) -> None:
        self._statements = statements
        self.known = known
        self.lock_timeout = lock_timeout
        self.strong: frozenset[int] = frozenset()
        """The relations with a lock that a change of a table takes."""
        self._scans: dict[int, int] = {}
        self._written: dict[int, int] = {}
        self._created: set[int] = set()

    def start(self, then: str) -> None:
        """Read the counters that earlier transactions have left; ``then`` is SQL to run behind."""
        (counters,) = self._statements.execute("counters", then=then)
        for oid, scans, written in counters or ():
            self._scans[oid], self._written[oid] = scans, written

    def question(self, settled: Iterable[int] = (), then: str = "") -> str:
        """Return SQL that asks for the effects of the statement before; ``then`` runs behind it.

        The details of the relations ``settled`` are not read: the statement cannot have changed
        them.
        """
        array = f"'{{{','.join(map(str, settled))}}}'"
        call = f"effects({self.known.highest}, {array}, '{self.known.transaction}')"
        return self._statements.inside(call, then)

    def read(self, results: Sequence[PGresult]) -> Effects:
        """Return the effects from the results of a message that ends with the question."""
        return self._effects(answer_in(results))

    def _effects(self, answer: dict[str, Any]) -> Effects:
        locks, files = [], {}
        scans: dict[int, int] = {}
        written: dict[int, int] = {}
        gone: list[int] = []
        created: dict[int, tuple[str, str]] = {}
        for oid, strength, writing, kind, file, scanned, rows, schema, name in answer["held"] or ():
            mode = LockMode(strength)
            if oid > self.known.highest:
                if (oid not in self._created or rows > self._written.get(oid, 0)) and kind:
                    created[oid] = schema, name
                self._created.add(oid)
                self._written[oid] = rows
                scans |= _more(self._scans, oid, scanned)
                continue
            if kind in {"t", None} and oid not in self.known.relations:
                continue  # a TOAST table, or an index that is gone
            locks.append(ObservedLock(oid, mode, writing))
            files[oid] = file
            scans |= _more(self._scans, oid, scanned)
            written |= _more(self._written, oid, rows)
            if kind is None:
                gone.append(oid)
        now = [
            relation_of(values, self.known.relations.get(values[0]))
            for values in answer["changed"] or ()
        ]
        changed = self._changes(now, gone)
        self.lock_timeout = parse_duration(_with_unit(answer["lock_timeout"])) or 0.0
        self.strong = frozenset(lock.relation for lock in locks if lock.mode >= _CHANGES_TABLES)
        return Effects(tuple(locks), scans, written, files, changed, created)

    def _changes(
        self, now: list[Relation], gone: list[int]
    ) -> dict[int, tuple[Relation, Relation | None]]:
        """Compare relations with their state before, and remember the new state."""
        changed: dict[int, tuple[Relation, Relation | None]] = {}
        states: dict[int, Relation | None] = {relation.oid: relation for relation in now}
        states |= dict.fromkeys(gone)
        for oid, state in states.items():
            before = self.known.relations.get(oid)
            if before is not None and before != state:
                changed[oid] = before, state
                self.known.relations[oid] = state
        return changed


def _more(counters: dict[int, int], oid: int, count: int) -> dict[int, int]:
    """Return by how much a counter grew, if it did, and remember its value."""
    before, counters[oid] = counters.get(oid, 0), count
    return {oid: count - before} if count > before else {}


def _with_unit(setting: str) -> str:
    """Return a time setting with a unit: the server shows none for 0."""
    return setting if setting != "0" else "0s"
