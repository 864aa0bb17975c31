"""How long a reader waits while a migration waits for a lock on the reader's table."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from concurrent.futures import Future

    from bench.measure import Outcome
    from bench.model import Command
    from bench.out_of_order.model import Checkout

__all__ = ["HELD", "longest_wait"]

HELD = 3.0
"""Seconds that the long transaction goes on after the migration has begun to wait."""
_READ = "SELECT count(*) FROM users"
_WAITS = """\
SELECT count(*) FROM pg_locks
 WHERE NOT granted AND relation = 'users'::regclass AND mode = 'AccessExclusiveLock'
"""
_EACH = 0.02


def longest_wait(checkout: Checkout, command: Command) -> float:
    """Deploy while a transaction has read the table; return a later reader's longest wait."""
    url = checkout.place.url
    ended = threading.Event()
    with ThreadPoolExecutor(2) as pool, psycopg.connect(url) as holder:
        holder.execute(_READ)
        reader = pool.submit(_read, url, ended)
        deploy = pool.submit(checkout.run, command)
        try:
            _await_waiting(url, deploy)
            time.sleep(HELD)
            holder.rollback()
            deploy.result()
        finally:
            holder.rollback()
            ended.set()
        return reader.result()


def _await_waiting(url: str, deploy: Future[Outcome]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while not deploy.done():
            row = connection.execute(_WAITS).fetchone()
            if row and row[0]:
                return
            time.sleep(_EACH)


def _read(url: str, ended: threading.Event) -> float:
    longest = 0.0
    with psycopg.connect(url, autocommit=True) as connection:
        while not ended.wait(_EACH):
            start = time.perf_counter()
            connection.execute(_READ)
            longest = max(longest, time.perf_counter() - start)
    return longest
