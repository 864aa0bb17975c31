"""Migrates as a counter-based tool does, for comparison: only the highest version is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["counter_up", "create_database", "query_error"]


def create_database(conninfo: str, name: str) -> str:
    """Create a database on the server and return its connection string."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{conninfo} dbname={name}"


def counter_up(conninfo: str, texts: Iterable[tuple[int, str]]) -> tuple[int, ...]:
    """Apply the migrations above the recorded version, and return the applied versions.

    Record only the last version, as golang-migrate does.
    """
    applied = []
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version bigint, dirty boolean)")
        row = conn.execute("SELECT version FROM schema_migrations").fetchone()
        highest = row[0] if row else -1
        for version, text in sorted(texts):
            if version > highest:
                conn.execute(text.encode())
                conn.execute("DELETE FROM schema_migrations")
                conn.execute("INSERT INTO schema_migrations VALUES (%s, false)", (version,))
                applied.append(version)
    return tuple(applied)


def query_error(conninfo: str, query: str) -> str | None:
    """Run a query and return the server's error message, or None if it succeeds."""
    try:
        with psycopg.connect(conninfo) as conn:
            conn.execute(query.encode())
    except psycopg.Error as error:
        return error.diag.message_primary
    return None
