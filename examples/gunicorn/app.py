"""A WSGI application that needs the migrated database."""

import os
from collections.abc import Callable, Iterable

import psycopg


def app(_: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Return the number of orders."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as conn:
        row = conn.execute("SELECT count(*) FROM orders").fetchone()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(row[0] if row else 0).encode()]
