"""What a database says of its ledger, and what really ran, read by a superuser past pgbraid.

Each statement of a migration leaves a line in ``trace.log``; statement 0 is that of a down file.
So the log says how often each statement ran, whatever happened to the set and the journal.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

__all__ = ["JOURNAL", "SET", "Facts", "Line", "read_facts"]

SET = "public.applied_migrations"
JOURNAL = f"{SET}_journal"
_APPLIED = frozenset({"applied", "adopted", "repaired"})
_TAKEN_OUT = frozenset({"undone", "unadopted"})
_NOTE = re.compile(r"not finished: (\d[\d, ]*)\.")
_LINES = f"""
SELECT (j ->> 'version')::bigint, j ->> 'event', (j #>> '{{detail,statement_number}}')::int
  FROM (SELECT to_jsonb(t) FROM {JOURNAL} t) AS lines (j)
 ORDER BY (j ->> 'happened_at')::timestamptz, (j ->> 'id')::bigint"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal about a version."""

    event: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The ledger and the traces of one moment."""

    ran: Counter[tuple[int, int]]
    """How often each statement of each text ran, less how often the text was undone."""
    rows: dict[int, str | None]
    """The versions of the set, with their checksums."""
    lines: dict[int, list[Line]]
    """The journal's lines of each version, in the order of time."""
    count: int
    """How many lines the journal has."""
    noted: frozenset[int]
    """The versions that the comment of the set says are incomplete."""
    there: bool
    """Whether one of the two tables is there."""
    elsewhere: frozenset[int] = field(default_factory=frozenset)
    """The versions of a set that somebody has moved to another name."""

    def last(self, version: int) -> str | None:
        """Return the last event that decides whether a version is applied."""
        events = [line.event for line in self.lines.get(version, [])]
        return next((e for e in reversed(events) if e in _APPLIED | _TAKEN_OUT), None)

    @property
    def lost(self) -> set[int]:
        """The versions that the journal says are applied and that the set lacks."""
        return {v for v in self.lines if self.last(v) in _APPLIED} - self.rows.keys()

    @property
    def outdated(self) -> set[int]:
        """The versions that the journal says were taken out and that the set has."""
        return {v for v in self.rows if self.last(v) in _TAKEN_OUT}

    def through(self, version: int) -> set[int]:
        """Return the statements of an incomplete file that the journal says are through."""
        found: set[int] = set()
        for line in self.lines.get(version, []):
            if line.event in _APPLIED | {"started", "incomplete_forgotten"}:
                found.clear()
            if line.event in {"statement_done", "statement_skipped"} and line.number is not None:
                found.add(line.number)
        return found

    @property
    def emptied(self) -> bool:
        """Whether one of the tables is there, and neither of them holds anything."""
        return self.there and not self.rows and not self.count


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,)


def read_facts(connection: Connection, elsewhere: str | None = None) -> Facts:
    """Read everything in one snapshot; ``elsewhere`` is the new name of a set that was moved."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        ran: Counter[tuple[int, int]] = Counter()
        for origin, number, times in connection.execute(
            "SELECT origin, statement, count(*) FROM trace.log GROUP BY 1, 2"
        ):
            ran[origin, number] = times
        for key in [key for key in ran if key[1]]:
            ran[key] -= ran[key[0], 0]
        has_set, has_journal = _exists(connection, SET), _exists(connection, JOURNAL)
        lines: dict[int, list[Line]] = defaultdict(list)
        found = connection.execute(_LINES.encode()).fetchall() if has_journal else []
        for version, *values in found:
            if version is not None:
                lines[version].append(Line(*values))
        return Facts(
            ran,
            _rows(connection, SET) if has_set else {},
            lines,
            len(found),
            _noted(connection),
            has_journal or _is_plain(connection),
            frozenset(_rows(connection, elsewhere) if elsewhere else ()),
        )


def _is_plain(connection: Connection) -> bool:
    """Whether the set is a table with a file, by which one that was emptied is known."""
    query = f"SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass('{SET}')"
    return connection.execute(query.encode()).fetchone() == (True,)


def _rows(connection: Connection, table: str) -> dict[int, str | None]:
    query = f"SELECT version, to_jsonb(t) ->> 'checksum' FROM {table} t"
    return {int(v): checksum for v, checksum in connection.execute(query.encode())}


def _noted(connection: Connection) -> frozenset[int]:
    query = f"SELECT obj_description(to_regclass('{SET}'), 'pg_class')"
    row = connection.execute(query.encode()).fetchone()
    found = _NOTE.search(row[0] or "") if row else None
    return frozenset(map(int, found[1].split(", "))) if found else frozenset()
