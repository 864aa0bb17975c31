"""Sends bytes as one simple-query message, without a codec of Python's between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, generators, pq

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    Connection = psycopg.Connection[tuple[Any, ...]]

__all__ = ["ended_transaction", "failed", "send"]

_ENDINGS = frozenset({b"COMMIT", b"BEGIN", b"START TRANSACTION", b"PREPARE TRANSACTION"})


def send(conn: Connection, message: bytes) -> list[PGresult]:
    """Send a message and return the result of each of its statements, a failed one last."""
    with conn.lock:
        conn.pgconn.send_query(message)
        return conn.wait(generators.execute(conn.pgconn))


def failed(results: list[PGresult]) -> psycopg.Error | None:
    """Return the error that ended a message, or None."""
    last = results[-1]
    if last.status == pq.ExecStatus.FATAL_ERROR:
        return errors.error_from_result(last)
    return None


def ended_transaction(results: list[PGresult]) -> bool:
    """Whether a statement of the message committed, or began a transaction, by its own tag."""
    return any((result.command_status or b"") in _ENDINGS for result in results)
