"""Public histories with one migration merged late, judged, and compared by pg_dump as well.

``python -m fuzz.corpus``: of each folder of the shared corpus, migrations by chance are moved
to the end of the history, and some a few places late. Where the verdict is ``same``, dumps of the
two orders, which psql has run, must be the same, too; and where one of them fails, that must fail.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from devtools.checkout import ROOT, Skip
from fuzz.confirm_conflict import is_real, told_pair
from fuzz.pg_dump_oracle import Dump, Plain, apart
from fuzz.public_folders import FOLDERS, Folder, read_folder
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken, ignore_event
from pgbraid.model.proof import Verdict
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.postgres.server.binaries import find_programs, packaged_folders
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.prove.inputs import ProofInput
from pgbraid.prove.order_pair import OrderPair, compare_orders
from pgbraid.prove.prover import build_proof
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.settings.environment import cache_dir
from pgbraid.source.loader import load_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import Proof
    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["Campaign", "Row", "choices", "open_campaign"]

_TABLE = ROOT / "bench" / "results" / "corpus.md"
_REFUSED = "is there already"
"""How our message ends where CREATE INDEX CONCURRENTLY IF NOT EXISTS would pass over an index."""
_PLACES = 3
"""How many places late a migration is that is not moved to the end."""


@dataclass(slots=True)
class Row:
    """What came of one folder."""

    name: str
    server: str = ""
    files: int = 0
    plain: float = 0.0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    replays: list[int] = field(default_factory=list)
    contexts: list[int] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    """Where what psql did or pg_dump says contradicts the verdict."""
    refused: list[str] = field(default_factory=list)
    """Where pgbraid itself refuses what the server would pass over."""
    undumped: int = 0
    """Differences that dumps do not show: rows, mostly."""
    pairs: list[str] = field(default_factory=list)
    """Where no pair, or no real one, is named."""
    note: str = ""
    slowest: str = ""


@dataclass(slots=True)
class Campaign:
    """One folder on one server."""

    scratch: ScratchServer
    plain: Plain | None
    files: tuple[Migration, ...]
    texts: dict[str, str]
    row: Row
    _right: Dump | None = None

    def try_one(self, late: int, to: int) -> Proof:
        """Judge the history with one migration moved behind another, and compare by dumps."""
        files = self.files
        left = (*files[:late], *files[late + 1 : to + 1], files[late], *files[to + 1 :])
        label = f"{files[late].label} behind {files[to].label}"
        replayer = Replayer(self.scratch, LedgerTable(), stop=StopToken())
        begun = time.perf_counter()
        orders = OrderPair(left, files)
        comparison = compare_orders(replayer, orders, on_event=ignore_event)
        proof = build_proof(ProofInput(orders), comparison)
        seconds = time.perf_counter() - begun
        if seconds > max(self.row.seconds, default=0):
            self.row.slowest = f"{label}, {proof.replays} replays, {told_pair(proof.pair)}"
        self.row.seconds.append(seconds)
        self.row.replays.append(proof.replays)
        self.row.verdicts[proof.verdict] += 1
        if proof.verdict is not Verdict.SAME:
            self._look_at(proof, label)
        if self.plain is not None:
            self._compare(self.plain, proof, label)
        return proof

    def _look_at(self, proof: Proof, label: str) -> None:
        pair = proof.pair
        if pair is not None:
            self.row.contexts.append(len(pair.context))
        if pair is None or not is_real(self.scratch, pair):
            self.row.pairs.append(f"{label}: {proof.verdict.value}; {told_pair(pair)}")

    def _compare(self, plain: Plain, proof: Proof, label: str) -> None:
        left, right = (
            self._dump(plain, proof.recorded_order),
            self._right or self._dump(plain, proof.version_order),
        )
        self._right = right
        self.row.plain = right.seconds
        found = apart(left, right)
        fails = bool(left.failure or right.failure)
        ours = proof.recorded_failure and proof.recorded_failure.diagnostic.message
        if ours and not fails and ours.endswith(_REFUSED):
            self.row.refused.append(f"{label}: {ours}")
        elif fails != (proof.verdict in {Verdict.FAILS, Verdict.NOT_REPLAYED}):
            said = left.failure or right.failure or "psql runs both"
            self.row.unlike.append(f"{label}: {proof.verdict.value}, but {said}")
        elif proof.verdict is Verdict.SAME and found:
            told = "; ".join(found[:3]).replace("\n", " ")
            self.row.unlike.append(f"{label}: same, but pg_dump says {told}"[:700])
        elif not fails and proof.verdict is not Verdict.SAME and not found:
            self.row.undumped += 1

    def _dump(self, plain: Plain, order: Sequence[Migration]) -> Dump:
        return plain.dump(self.texts[migration.file] for migration in order)


def choices(rng: random.Random, campaign: Campaign, ends: int, near: int) -> Iterator[list[int]]:
    """Yield which migration is moved behind which: some to the end, some a few places."""
    first, last = int("_before" in campaign.files[0].label), len(campaign.files) - 1
    for late in rng.sample(range(first, last), min(ends, last - first)):
        yield [late, last]
    places = range(first, last - _PLACES + 1)
    for late in rng.sample(places, min(near, len(places))):
        yield [late, late + _PLACES]


def open_campaign(scratch: ScratchServer, folder: Folder, plain: Plain | None) -> Campaign:
    """Read a folder and run it, as far as it does run, by version. Raises Skip."""
    texts = read_folder(folder)
    files = load_migrations(texts).migrations
    replayer = Replayer(scratch, LedgerTable(), stop=StopToken())
    base, failure = replayer.base(files)
    replayer.release(base)
    row = Row(folder.name, scratch.label)
    if failure:
        number = files.index(failure.migration)
        row.note = (
            f"{number} of {len(files)} files: {failure.migration.label} fails,"
            f" {failure.diagnostic.message}"
        )
        files = files[:number]
    row.files = len(files)
    return Campaign(scratch, plain, files, texts, row)


def _run(folder: Folder, programs: Path, options: argparse.Namespace) -> Campaign:
    """Run the campaign on one folder, with a server of its own."""
    with (
        embedded_server(programs=str(programs), cache=cache_dir()) as server,
        scratch_server(programs=str(programs), cache=cache_dir()) as scratch,
    ):
        campaign = open_campaign(scratch, folder, Plain.on(server.conninfo, programs))
        if campaign.row.files < options.enough * len(campaign.texts):
            raise Skip(campaign.row.note)
        rng = random.Random(f"{options.seed} {folder.name}")
        for late, to in choices(rng, campaign, options.count, options.near):
            campaign.try_one(late, to)
            print(f"{folder.name}: {len(campaign.row.seconds)}", end="\r", flush=True)
        return campaign


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    """Run each folder on the packaged server, or, where that lacks an extension, another one."""
    servers = [Path(options.programs)] if options.programs else _servers()
    for folder in FOLDERS:
        if options.only and folder.name not in options.only.split(","):
            continue
        said = ""
        for programs in servers:
            try:
                yield _run(folder, programs, options).row
                break
            except Skip as reason:
                said = str(reason)
        else:
            yield Row(folder.name, note=f"skipped: {said}")


def _servers() -> list[Path]:
    return list(dict.fromkeys([*packaged_folders(), find_programs(None).folder]))


def _table(rows: Sequence[Row]) -> str:
    head = ["folder", "server", "files", "choices", *(v.value for v in Verdict)]
    head += ["against pg_dump", "not in a dump", "pairs not real", "context", "replays"]
    head += ["judging, mean s", "max s", "psql s"]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in rows:
        seconds = row.seconds or [0.0]
        cells = [row.name, row.server, row.files, len(row.seconds)]
        cells += [row.verdicts[verdict] for verdict in Verdict]
        cells += [len(row.unlike), row.undumped, len(row.pairs)]
        cells += [f"{statistics.mean(row.contexts or [0]):.1f}"]
        cells += [f"{statistics.mean(row.replays or [0]):.1f}"]
        cells += [f"{statistics.mean(seconds):.2f}", f"{max(seconds):.2f}", f"{row.plain:.2f}"]
        lines.append(_line(cells))
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    notes += [f"- {row.name}, pgbraid refuses: {line}" for row in rows for line in row.refused]
    notes += [f"- {row.name}, the slowest: {row.slowest}"[:500] for row in rows if row.slowest]
    return "\n".join([*lines, "", *notes, *_found(rows)]) + "\n"


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _found(rows: Sequence[Row]) -> list[str]:
    return [f"- {row.name}: {line}" for row in rows for line in (*row.unlike, *row.pairs)]


def main() -> int:
    """Run the campaign; the exit code is 1 where a verdict or a pair is wrong."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.corpus", description=__doc__)
    parser.add_argument("--count", type=int, default=30, help="how many are moved to the end (30)")
    parser.add_argument("--near", type=int, default=10, help="and how many three places late (10)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (1)")
    parser.add_argument("--quick", action="store_true", help="three and one, to try the harness")
    parser.add_argument("--only", metavar="NAME[,NAME]", help="some of the folders")
    parser.add_argument("--enough", type=float, default=0.7, help="the part that must run (0.7)")
    parser.add_argument("--programs", metavar="DIR", help="the server's programs")
    parser.add_argument(
        "--table", metavar="FILE", type=Path, default=_TABLE, help="where the table goes"
    )
    options = parser.parse_args()
    if options.quick:
        options.count, options.near = 3, 1
    rows = []
    for row in _rows(options):
        rows.append(row)
        print(f"{row.name}: {len(row.seconds)} judged {row.note}", flush=True)
        for line in _found([row]):
            print(line, flush=True)
    table = _table(rows)
    print(f"\n{table}")
    options.table.parent.mkdir(parents=True, exist_ok=True)
    options.table.write_text(table)
    return int(any(row.unlike or row.pairs for row in rows))


if __name__ == "__main__":
    sys.exit(main())
