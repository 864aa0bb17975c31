"""Reads after each statement which relations it locked, read, wrote and changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgbraid.model.observed import LockMode, ObservedLock
from pgbraid.model.units import parse_duration
from pgbraid.postgres.client.connection import error_of
from pgbraid.postgres.client.session import send_sql
from pgbraid.postgres.observation.catalog_reader import relation_of
from pgbraid.postgres.statement_texts import statement_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.observed import Relation
    from pgbraid.postgres.client.session import Session

__all__ = ["EffectReader", "Effects", "Known"]

_ENTER = (
    "SELECT pg_catalog.set_config('pgbraid.search_path', pg_catalog.current_setting("
    "'search_path'), true), pg_catalog.set_config('search_path', '', true), "
    "pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)"
)
"""The server spells types, defaults and constraints by the search_path: always by the same one. The
plan of our question, which takes longer to make than to run, is made once for each migration."""
_LEAVE = (
    "SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting("
    "'pgbraid.search_path'), true), pg_catalog.set_config('plan_cache_mode', 'auto', true)"
)
_QUESTION = "pgbraid_effects_{}"
"""The name of our question: with a new number each time that it is prepared."""
_ANSWER = 1
"""The place of the answer among the results of these statements."""
_CHANGES_TABLES = LockMode.SHARE_UPDATE_EXCLUSIVE
"""The weakest lock of a statement that changes a table: COMMENT, CREATE STATISTICS, VALIDATE."""


@dataclass(slots=True, frozen=True)
class Known:
    """The relations as they are after the last statement; None is a relation that is gone."""

    relations: dict[int, Relation | None]
    highest: int
    """The highest oid of a relation before the migration: those above it are new."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What one statement did, as far as the server shows it."""

    locks: tuple[ObservedLock, ...]
    scans: dict[int, int]
    written: dict[int, int]
    files: dict[int, int]
    changed: dict[int, tuple[Relation, Relation | None]]
    created: tuple[int, ...]


class EffectReader:
    """Reads the effects of each statement of one transaction; keeps the counters before it.

    ``lock_timeout`` is the setting in force for the next statement, in seconds.
    """

    def __init__(self, session: Session, known: Known, lock_timeout: float) -> None:
        self.session = session
        self.known = known
        self.lock_timeout = lock_timeout
        self.strong: frozenset[int] = frozenset()
        """The relations with a lock that a change of a table takes."""
        self._scans: dict[int, int] = {}
        self._written: dict[int, int] = {}
        self._created: set[int] = set()
        self._prepared = 0

    def start(self) -> None:
        """Read the counters that earlier transactions have left, in the open transaction."""
        self.prepare()
        for oid, scans, written in self.session.run("observation", "counters").fetchall():
            self._scans[oid], self._written[oid] = scans, written

    def prepare(self) -> None:
        """Prepare the question; a statement of a migration may have removed it."""
        text = statement_text("observation", "effects").replace(
            ":relations", statement_text("observation", "relations")
        )
        self._prepared += 1
        name = _QUESTION.format(self._prepared)
        send_sql(self.session, f"PREPARE {name}(bigint, pg_catalog.oid[]) AS {text}")

    def read(self, settled: Iterable[int] = (), then: str = "") -> Effects:
        """Return what the statement that ran did. ``then`` is SQL to run behind the question.

        The details of the relations ``settled`` are not read: the statement cannot have changed
        them. Raises psycopg's error.
        """
        array = f"'{{{','.join(map(str, settled))}}}'"
        text = f"EXECUTE {_QUESTION.format(self._prepared)}({self.known.highest}, {array})"
        results = self.session.send(f"{_ENTER};{text};{_LEAVE}{then}".encode())
        error = error_of(results)
        if error is not None:
            raise error
        return self._effects(json.loads(results[_ANSWER].get_value(0, 0) or b"{}"))

    def _effects(self, answer: dict[str, Any]) -> Effects:
        locks, files = [], {}
        scans: dict[int, int] = {}
        written: dict[int, int] = {}
        gone: list[int] = []
        created: list[int] = []
        for oid, strength, writing, kind, file, scanned, rows in answer["held"] or ():
            mode = LockMode(strength)
            if oid > self.known.highest:
                if (oid not in self._created or rows > self._written.get(oid, 0)) and kind:
                    created.append(oid)
                self._created.add(oid)
                self._written[oid] = rows
                continue
            if kind in {"t", None} and oid not in self.known.relations:
                continue  # a TOAST table, or an index that is gone
            locks.append(ObservedLock(oid, mode, writing))
            files[oid] = file
            scans |= _more(self._scans, oid, scanned)
            written |= _more(self._written, oid, rows)
            if kind is None:
                gone.append(oid)
        changed = self._changes([relation_of(value) for value in answer["changed"] or ()], gone)
        self.lock_timeout = parse_duration(_with_unit(answer["lock_timeout"])) or 0.0
        self.strong = frozenset(lock.relation for lock in locks if lock.mode >= _CHANGES_TABLES)
        return Effects(tuple(locks), scans, written, files, changed, tuple(created))

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
