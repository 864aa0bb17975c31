"""Times one thing many times in a process that has imported all it needs; prints the seconds."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import psycopg

import pgbraid

if TYPE_CHECKING:
    from collections.abc import Callable


def _query(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT version, checksum FROM applied_migrations").fetchall()


def _probe(name: str, url: str, folder: str) -> Callable[[], object]:
    if name == "connect":
        return lambda: psycopg.connect(url).close()
    if name == "query":
        return lambda: _query(url)
    braid = pgbraid.load(folder)
    return lambda: braid.up(url)


def _main() -> None:
    name, url, folder, repetitions = sys.argv[1:]
    call = _probe(name, url, folder)
    call()
    seconds = []
    for _ in range(int(repetitions)):
        start = time.perf_counter()
        call()
        seconds.append(round(time.perf_counter() - start, 6))
    print(json.dumps(seconds))


if __name__ == "__main__":
    _main()
