"""An application's readers: many at once, in a process of their own, each as fast as it can."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from devtools.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devtools.database import Database

__all__ = ["Stall", "reading"]

_PAUSE = 0.01
"""Seconds between two reads of one reader, so that they do not fill the machine."""


@dataclass(slots=True)
class Stall:
    """How long the readers waited at most, and how often they read, once they have ended."""

    longest: float = 0.0
    reads: int = 0


@contextmanager
def reading(database: Database, table: str, readers: int) -> Iterator[Stall]:
    """Read a table by so many readers as long as the block lasts."""
    words = [sys.executable, "-m", "chaos.readers", database.conninfo, table, str(readers)]
    stall = Stall()
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        process.stdout.readline()  # they read
        try:
            yield stall
        finally:
            said, _ = process.communicate()
            told = json.loads(said)
            stall.longest, stall.reads = told["longest"], told["reads"]


def _read(conninfo: str, table: str, over: threading.Event, found: list[float]) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while not over.is_set():
            begun = time.monotonic()
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1".encode())
            found.append(time.monotonic() - begun)
            time.sleep(_PAUSE)


def _main() -> None:
    conninfo, table, readers = sys.argv[1:]
    over, found = threading.Event(), list[float]()
    threads = [
        threading.Thread(target=_read, args=(conninfo, table, over, found))
        for _ in range(int(readers))
    ]
    for thread in threads:
        thread.start()
    while len(found) < len(threads):
        time.sleep(0.01)
    found.clear()
    print("reading", flush=True)
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"longest": max(found, default=0.0), "reads": len(found)}), flush=True)


if __name__ == "__main__":
    _main()
