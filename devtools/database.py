"""A database as the checks see it: directly, whatever stands before it in a trial."""

from __future__ import annotations

import itertools
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Database", "await_true"]

_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """A database's connection string, and short ways to ask it."""

    conninfo: str

    def connect(self, **parameters: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection in autocommit."""
        conninfo = make_conninfo(self.conninfo, **parameters)
        return psycopg.connect(conninfo, autocommit=True)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query; of a statement that has none, nothing."""
        with self.connect() as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: object) -> Any:
        """Return the first value of a query's first row."""
        return self.rows(query, *values)[0][0]

    def run(self, query: str) -> None:
        """Run statements."""
        self.rows(query)

    def new(self, name: str = "") -> Database:
        """Create a database on the same server and return it."""
        name = name or f"chaos_{next(_NUMBERS)}"
        self.run(f'CREATE DATABASE "{name}"')
        return self.named(name)

    def named(self, name: str) -> Database:
        """Return another database of the same server."""
        return Database(make_conninfo(self.conninfo, dbname=name))

    def drop(self) -> None:
        """Drop this database, whoever is connected to it."""
        name = self.value("SELECT current_database()")
        with suppress(psycopg.OperationalError):
            self.named("postgres").run(f'DROP DATABASE "{name}" WITH (FORCE)')


def await_true(ask: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Ask until the answer is yes, but no longer than that; return the last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return answer
