"""``python -m bench.hazards``: times work on large tables beside its estimate, and prints a table.

The server is an embedded one with default settings, with its data on disk. Each statement runs in a
transaction that is rolled back, without parallel workers; the best of three rounds counts. The time
on a processor shows how far other work on the machine has lengthened the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from bench.hazards.work import CASES, SHAPES, fill
from pgbraid.hazards.analysis.estimates import seconds
from pgbraid.migrate.production import production_sizes
from pgbraid.model.hazards.sizes import DEFAULT_RATES, Sizes
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir

if TYPE_CHECKING:
    from bench.hazards.work import Case


class _Times(NamedTuple):
    """Seconds of a statement."""

    clock: float
    processor: float


_PARENTS = 100_000
_OUTSIDE = ("VACUUM",)
"""Statements that no transaction may hold."""


def main() -> None:
    """Time the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="the beginnings of the names of cases")
    parser.add_argument("--programs", help="the folder of the server programs")
    parser.add_argument("--folder", help="where to put the data; a temporary folder by default")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=given.folder) as folder,
        embedded_server(
            Path(folder) / "data", programs=given.programs, cache=cache_dir()
        ) as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):
        conn.execute("SET max_parallel_maintenance_workers = 0")
        conn.execute("SET max_parallel_workers_per_gather = 0")
        _prepare(conn, given.rows)
        sizes = production_sizes(parse_target(server.conninfo), LedgerTable(), StopToken())
        clock = _timed(conn, given.rounds, given.only)
        print(f"PostgreSQL {sizes.server_version}, {given.rows} rows\n")
        _print(clock, sizes)


def _prepare(conn: psycopg.Connection, rows: int) -> None:
    conn.execute(f"CREATE TABLE parents AS SELECT i FROM generate_series(0, {_PARENTS}) AS i")
    conn.execute("ALTER TABLE parents RENAME i TO id; ALTER TABLE parents ADD PRIMARY KEY (id)")
    for shape in SHAPES:
        conn.execute(fill(shape, rows))
    conn.execute("VACUUM ANALYZE")


def _timed(
    conn: psycopg.Connection, rounds: int, only: str
) -> dict[tuple[Case, str], list[_Times]]:
    clock: dict[tuple[Case, str], list[_Times]] = defaultdict(list)
    for _ in range(rounds):
        for case in CASES:
            for shape in case.shapes:
                if case.name.startswith(tuple(only.split(","))):
                    clock[case, shape].append(_run(conn, case, shape))
    return clock


def _run(conn: psycopg.Connection, case: Case, shape: str) -> _Times:
    before, statement, after = (
        text.format(t=f"big_{shape}") for text in (case.before, case.statement, case.after)
    )
    conn.execute("CHECKPOINT")
    inside = not statement.startswith(_OUTSIDE)
    if inside:
        conn.execute(f"BEGIN; {before}")
    start, work = time.monotonic(), _processor_seconds(conn.info.backend_pid)
    conn.execute(statement)
    taken = _Times(time.monotonic() - start, _processor_seconds(conn.info.backend_pid) - work)
    if inside:
        conn.execute("ROLLBACK")
    if after:
        conn.execute(after)
    print(f"{case.name}, {shape}: {taken}", file=sys.stderr, flush=True)
    return taken


def _processor_seconds(pid: int) -> float:
    """Return the seconds that a process has run on a processor."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def _print(clock: dict[tuple[Case, str], list[_Times]], sizes: Sizes) -> None:
    print("| work | table | clock | on a processor | estimate | estimate / clock |")
    print("| --- | --- | --- | --- | --- | ---")
    for (case, shape), taken in clock.items():
        size = sizes.get(f"public.big_{shape}")
        estimate = seconds(case.kind, size, DEFAULT_RATES, indexes=case.indexes) or 0.0
        best = min(taken)
        times = [f"{number:.1f} s" for number in (*best, estimate)]
        cells = [case.name, shape, *times, f"{estimate / best.clock:.1f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
