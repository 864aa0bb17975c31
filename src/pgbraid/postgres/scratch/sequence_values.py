"""Restores the values of sequences after a rollback, which does not restore them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.postgres.client.connection import Connection

__all__ = ["keeping_sequences"]

_NAMES = b"""
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid >= 16384 AND c.relkind = 'S' AND c.relpersistence <> 't'
   AND CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
            AND pg_catalog.has_sequence_privilege(c.oid, 'UPDATE') END
"""


@contextmanager
def keeping_sequences(conn: Connection) -> Iterator[None]:
    """Restore the values of the sequences after a transaction that is rolled back.

    Sequences that the role may not read or set are left alone. Raises psycopg's errors.
    """
    names = [str(row[0]) for row in conn.execute(_NAMES)]
    texts = (
        f"SELECT {number}, last_value, is_called FROM {name}"  # noqa: S608 - quoted by the server
        for number, name in enumerate(names)
    )
    values = conn.execute(" UNION ALL ".join(texts).encode()).fetchall() if names else []
    try:
        yield
    finally:
        if values and not (conn.closed or conn.broken):
            literals = [sql.Literal(name).as_string(None) for name in names]
            calls = (
                f"pg_catalog.setval({literals[number]}, {value}, {called})"
                for number, value, called in values
            )
            conn.execute(f"SELECT {', '.join(calls)}".encode())
