"""Starts pgbraid's embedded server once and prints the seconds until it could be used."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from pgbraid.postgres.server import data_dir
from pgbraid.postgres.server.embedded import embedded_server


def _seconds(folder: Path | None, cache: Path) -> float:
    start = time.perf_counter()
    with embedded_server(folder, cache=cache) as server:
        taken = time.perf_counter() - start
        psycopg.connect(server.conninfo).close()
    return taken


def _measure(name: str, scratch: Path) -> float:
    scratch.mkdir(parents=True, exist_ok=True)
    cache = scratch / "cache"
    if name == "first ever":
        return _seconds(None, Path(tempfile.mkdtemp(dir=scratch)))
    if name == "template on disk":
        # pgbraid takes memory wherever it has room; there is no setting against it
        vars(data_dir)["_MEMORY"] = Path("/no/such/folder")
    if not name.startswith("lasting"):
        _seconds(None, cache)
        return _seconds(None, cache)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    _seconds(folder, cache)
    try:
        return _seconds(folder, cache)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    print(_measure(sys.argv[1], Path(sys.argv[2])))
