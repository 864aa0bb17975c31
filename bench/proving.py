"""Measures what a proof costs, beside one plain replay and beside pg_dump.

``python -m bench.proving``: a snapshot of 500 tables; one late migration among some 300; 20 and 200
inversions with a pair that does not commute, and the work of the search for it. Where the shared
corpus is there, its files are used.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.workload import migrations as made
from devtools.checkout import ROOT
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken, ignore_event
from pgbraid.model.proof import Verdict
from pgbraid.postgres.catalog.snapshot_reader import SnapshotReader
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.postgres.server.binaries import find_programs
from pgbraid.prove.order_pair import OrderPair, compare_orders
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.settings.environment import cache_dir
from pgbraid.source.loader import load_migrations

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.model.migration import Migration
    from pgbraid.postgres.scratch.databases import ScratchServer

_CORPUS = ROOT.parent / "shared" / "corpus" / "openmeter" / "migrations"
_TABLES = 834
"""Files of ``bench.workload`` that make 500 tables."""
_ROUNDS = 5
_PLACES = (20, 200)


@dataclass(frozen=True, slots=True)
class _Line:
    what: str
    seconds: float
    beside: str
    ratio: float


def _median(action: Callable[[], object], rounds: int = _ROUNDS) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def _files(names: dict[str, str]) -> tuple[Migration, ...]:
    return load_migrations(names).migrations


def _history() -> tuple[str, dict[str, str]]:
    if not _CORPUS.is_dir():
        return "300 files of bench.workload", {f.file_name(): f.sql for f in made(300)}
    found = {p.name: p.read_text() for p in _CORPUS.glob("*.up.sql")}
    return f"{len(found)} files of openmeter", found


def _snapshots(scratch: ScratchServer, programs: str) -> list[_Line]:
    replayer = Replayer(scratch, LedgerTable(), stop=StopToken())
    base, _ = replayer.base(_files({f.file_name(): f.sql for f in made(_TABLES)}))
    target = scratch.target_of(base.name)
    lines = []
    dump = [f"{programs}/pg_dump", "--schema-only", "-d"]
    wanted = ("host", "port", "user", "dbname")
    conninfo = " ".join(f"{key}={target.parameters[key]}" for key in wanted)
    dumped = _median(lambda: subprocess.run([*dump, conninfo], check=True, capture_output=True))
    with open_connection(target.parameters) as conn:
        reader = SnapshotReader(LedgerTable())
        for what, read in (("schema", reader.schema), ("schema and rows", reader.whole)):
            taken = _median(lambda read=read: read(conn))  # type: ignore[misc]
            lines.append(_Line(f"snapshot of 500 tables: {what}", taken, "pg_dump", taken / dumped))
    replayer.release(base)
    return [*lines, _Line("`pg_dump --schema-only` of the same", dumped, "itself", 1.0)]


def _proofs(scratch: ScratchServer) -> list[_Line]:
    label, names = _history()
    files = _files(names)
    replayer = Replayer(scratch, LedgerTable(), stop=StopToken())

    def plain() -> None:
        base, failure = replayer.base(files)
        assert failure is None, failure  # noqa: S101 - nothing is measured else
        replayer.release(base)

    work: list[float] = []

    def judged(order: tuple[Migration, ...], verdict: Verdict) -> float:
        by_version = tuple(sorted(order, key=lambda m: m.version))

        def judge() -> None:
            one = Replayer(scratch, LedgerTable(), stop=StopToken())
            compared = compare_orders(one, OrderPair(order, by_version), on_event=ignore_event)
            assert compared.verdict is verdict, compared.verdict  # noqa: S101 - the right thing is measured
            work.append(compared.search_replays)

        return _median(judge)

    once = _median(plain)
    lines = [_Line(f"one plain replay of {label}", once, "itself", 1.0)]
    digits = len(files[0].digits)
    for places in (1, 20, 150):
        at = files[-places - 1].version + 1
        late = _files({f"{at:0{digits}}_late.sql": "CREATE TABLE quite_late (id int);"})
        taken = judged((*files, *late), Verdict.SAME)
        lines.append(_Line(f"one late by {places}, the same", taken, "one replay", taken / once))
    for places in _PLACES:
        pair = {
            f"{files[-places].version + 1:0{digits}}_early.sql": "COMMENT ON SCHEMA public IS 'a';",
            f"{files[-1].version + 1:0{digits}}_late.sql": "COMMENT ON SCHEMA public IS 'b';",
        }
        first, second = _files(pair)
        taken = judged((*files, second, first), Verdict.DIFFERENT)
        what = f"{places} inversions, the pair found (work of the search: {work[-1]:.1f} replays)"
        lines.append(_Line(what, taken, "one replay", taken / once))
    return lines


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.proving", description=__doc__)
    parser.add_argument("--programs", default=str(find_programs(None).folder))
    parser.add_argument("--table", type=Path, help="where the table goes, too")
    arguments = parser.parse_args()
    with scratch_server(programs=arguments.programs, cache=cache_dir()) as scratch:
        lines = [*_snapshots(scratch, arguments.programs), *_proofs(scratch)]
        rows = [f"Median of {_ROUNDS}, {scratch.label}.", ""]
    rows += ["| | seconds | beside | ratio |", "| --- | ---: | --- | ---: |"]
    rows += [f"| {o.what} | {o.seconds:.3f} | {o.beside} | {o.ratio:.2f} |" for o in lines]
    print("\n".join(rows))
    if arguments.table:
        arguments.table.write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
