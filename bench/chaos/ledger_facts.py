"""What a database says of its ledger and of what really ran, read past pgbraid by a superuser.

Each statement of a migration leaves a line in ``trace.log``; statement 0 is a down file's. So
the log tells how often each statement ran, whatever happened to the set and the journal.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from datetime import datetime

    Connection = psycopg.Connection[tuple[Any, ...]]

__all__ = ["APPLIED", "TAKEN_OUT", "Facts", "Line", "Place", "Row", "read_facts"]

APPLIED = frozenset({"applied", "adopted", "repaired"})
TAKEN_OUT = frozenset({"undone", "withdrawn"})
_NOTE = re.compile(r"not finished: ([\d, ]+)\.")
_NET = """
SELECT version, statement, count(*) FROM trace.log GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the commands look for the set."""

    schema: str = "public"
    table: str = "applied_migrations"

    @property
    def set(self) -> str:
        """The set's qualified name."""
        return f"{self.schema}.{self.table}"

    @property
    def journal(self) -> str:
        """The journal's qualified name."""
        return f"{self.set}_journal"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the set."""

    name: str | None
    checksum: str | None
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal about a version."""

    at: datetime
    id: int | None
    event: str
    checksum: str | None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The ledger and the traces of one moment; a table that is not there is None."""

    ran: Counter[tuple[int, int]]
    """How often each statement ran, less how often its file was undone."""
    rows: dict[int, list[Row]] | None
    lines: dict[int, list[Line]] | None
    """The lines of each version, in the order in which they were written."""
    count: int = 0
    """How many lines the journal has, also those without a version."""
    noted: frozenset[int] = frozenset()
    """The versions that the comment of the set says are half done."""
    elsewhere: frozenset[int] = frozenset()
    """The versions of a set that was moved away, as far as the role may read it."""

    @property
    def versions(self) -> set[int]:
        """The versions of the set."""
        return set(self.rows or {})

    def said(self, version: int) -> str | None:
        """Return the event of the last line that decides whether a version is applied."""
        lines = (self.lines or {}).get(version, [])
        deciding = [line.event for line in lines if line.event in APPLIED | TAKEN_OUT]
        return deciding[-1] if deciding else None

    @property
    def lost(self) -> set[int]:
        """The versions that the journal says are applied and that the set lacks."""
        return {v for v in self.lines or {} if self.said(v) in APPLIED} - self.versions

    @property
    def outdated(self) -> set[int]:
        """The versions that the journal says were taken out and that the set has."""
        return {v for v in self.versions if self.said(v) in TAKEN_OUT}

    def through(self, version: int) -> set[int]:
        """Return the statements of a half done file that the journal says are through."""
        found: set[int] = set()
        for line in (self.lines or {}).get(version, []):
            if line.event in APPLIED | {"started", "forgotten"}:
                found.clear()
            if line.event in {"done", "skipped"} and line.number is not None:
                found.add(line.number)
        return found

    @property
    def emptied(self) -> bool:
        """Whether one of the tables is there, and neither of them holds anything."""
        there = self.rows is not None or self.lines is not None
        return there and not self.rows and not self.count

    def tells(self, version: int, statement: int) -> bool:
        """Whether anything in the database still says that a statement ran."""
        if version in self.versions or self.said(version) in APPLIED:
            return True
        if statement in self.through(version) or version in self.noted:
            return True
        return self.emptied or (not self.versions and version in self.elsewhere)


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,)


def read_facts(
    connection: Connection, place: Place, elsewhere: frozenset[int] = frozenset()
) -> Facts:
    """Read everything in one snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        net: Counter[tuple[int, int]] = Counter()
        undone: Counter[int] = Counter()
        if _exists(connection, "trace.log"):
            for version, statement, times in connection.execute(_NET):
                if statement:
                    net[version, statement] = times
                else:
                    undone[version] = times
        for key in net:
            net[key] -= undone[key[0]]
        rows = _rows(connection, place.set)
        lines, count = _lines(connection, place.journal)
        return Facts(net, rows, lines, count, _noted(connection, place), elsewhere)


def _rows(connection: Connection, table: str) -> dict[int, list[Row]] | None:
    if not _exists(connection, table):
        return None
    found: dict[int, list[Row]] = defaultdict(list)
    query = f"SELECT version, name, checksum, applied_at FROM {table}"
    for version, *values in connection.execute(query.encode()):
        found[version].append(Row(*values))
    return found


def _lines(connection: Connection, table: str) -> tuple[dict[int, list[Line]] | None, int]:
    if not _exists(connection, table):
        return None, 0
    found: dict[int, list[Line]] = defaultdict(list)
    count = 0
    query = (
        "SELECT (j ->> 'version')::bigint, (j ->> 'happened_at')::timestamptz,"
        " (j ->> 'id')::bigint, j ->> 'event', j ->> 'checksum',"
        " (j #>> '{detail,statement_number}')::int"
        f" FROM (SELECT to_jsonb(t) FROM {table} t) AS lines (j) ORDER BY 2, 3"
    )
    for version, *values in connection.execute(query.encode()):
        count += 1
        if version is not None:
            found[version].append(Line(*values))
    return found, count


def _noted(connection: Connection, place: Place) -> frozenset[int]:
    query = "SELECT obj_description(to_regclass(%s), 'pg_class')"
    row = connection.execute(query, (place.set,)).fetchone()
    found = _NOTE.search(row[0] or "") if row else None
    return frozenset(map(int, found[1].split(", "))) if found else frozenset()
