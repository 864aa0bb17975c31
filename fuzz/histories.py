"""Histories by chance with one pair that does not commute: it must be found, and be real.

``python -m fuzz.histories``: every history is judged; the pair that is named is replayed in
both orders, which must differ. Some histories have no such pair and must be the same.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from devtools.checkout import ROOT
from fuzz.confirm_conflict import is_real, told_pair
from fuzz.generated_histories import ROLES, Story, make_story
from fuzz.planted_conflicts import PLANTED
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken, ignore_event
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.postgres.server.binaries import packaged_folders
from pgbraid.prove.inputs import ProofInput
from pgbraid.prove.order_pair import compare_orders
from pgbraid.prove.prover import build_proof
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.settings.environment import cache_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fuzz.planted_conflicts import Planted
    from pgbraid.model.proof import ConflictingPair, Proof
    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["Tally", "roles", "tell"]

_TABLE = ROOT / "bench" / "results" / "histories.md"
_CONTROLS = 5
"""For so many histories with a pair there is one without."""
_PROGRESS = 25


@dataclass(slots=True)
class Tally:
    """What came of the stories so far."""

    told: int = 0
    undetected: list[str] = field(default_factory=list)
    unreal: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Real pairs that are not the planted one."""
    seconds: list[float] = field(default_factory=list)
    contexts: list[int] = field(default_factory=list)
    replays: list[int] = field(default_factory=list)
    inversions: list[int] = field(default_factory=list)
    slowest: str = ""

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be."""
        return [*self.undetected, *self.unreal]


@contextmanager
def roles(scratch: ScratchServer) -> Iterator[None]:
    """Make the roles that stories mention, as long as the block lasts."""
    for role in ROLES:
        scratch.add_role(role)
    try:
        yield
    finally:
        for role in ROLES:
            scratch.conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def tell(  # noqa: PLR0913 - the story, and how it is judged
    scratch: ScratchServer,
    seed: int,
    planted: Planted | None,
    tally: Tally,
    *,
    longest: int = 160,
    explain_for: float | None = None,
) -> Proof | None:
    """Judge a story, look whether the pair is real, and count it.

    ``explain_for`` is how many seconds the pair is looked for; by default as for everybody.
    """
    label = f"{planted.name if planted else 'without a pair'}, seed {seed}"
    tally.told += 1
    try:
        story = make_story(scratch, seed, planted, longest=longest)
        begun = time.perf_counter()
        replayer = Replayer(scratch, LedgerTable(), stop=StopToken())
        comparison = compare_orders(
            replayer, story.question, on_event=ignore_event, explain_for=explain_for
        )
        proof = build_proof(ProofInput(story.question), comparison)
        _count(tally, label, proof, time.perf_counter() - begun)
        _look_at(scratch, proof, story, tally, label)
    except Exception:  # noqa: BLE001 - the others are to be told all the same
        tally.undetected.append(f"{label}: it broke\n{traceback.format_exc(limit=-6)}")
        return None
    return proof


def _count(tally: Tally, label: str, proof: Proof, seconds: float) -> None:
    if seconds > max(tally.seconds, default=0):
        tally.slowest = f"{label}, {seconds:.1f} s, {proof.replays} replays"
    tally.seconds.append(seconds)
    tally.replays.append(proof.replays)
    tally.inversions.append(proof.inversions)


def _look_at(scratch: ScratchServer, proof: Proof, story: Story, tally: Tally, label: str) -> None:
    pair = proof.pair
    real = pair is not None and is_real(scratch, pair)
    if proof.verdict is not story.verdict:
        found = ", ".join(f"{d.facet.value} {d.name}" for d in proof.differences[:3])
        said = f"{proof.verdict.value}, not {story.verdict.value} ({found}); {told_pair(pair)}"
        tally.undetected.append(f"{label}: {said}")
    elif story.pair and not real:
        tally.unreal.append(f"{label}: {told_pair(pair)}")
    if pair is not None and story.pair and real:
        _count_pair(pair, story, tally, label)


def _count_pair(pair: ConflictingPair, story: Story, tally: Tally, label: str) -> None:
    tally.contexts.append(len(pair.context))
    if {pair.first.version, pair.second.version} != story.pair:
        tally.others.append(f"{label}: {told_pair(pair)}")


def _summary(what: str, tally: Tally) -> str:
    seconds = sorted(tally.seconds) or [0.0]
    p95 = seconds[max(int(len(seconds) * 0.95) - 1, 0)]
    cells = [what, tally.told, len(tally.undetected), len(tally.unreal), len(tally.others)]
    cells += [f"{statistics.mean(tally.inversions or [0]):.0f}"]
    cells += [f"{statistics.mean(tally.contexts):.1f}" if tally.contexts else ""]
    cells += [f"{statistics.mean(tally.replays or [0]):.1f}", f"{statistics.mean(seconds):.2f}"]
    return f"| {' | '.join(map(str, [*cells, f'{p95:.2f}', f'{seconds[-1]:.2f}']))} |"


def _table(tallies: dict[str, Tally]) -> str:
    head = ["histories", "told", "another verdict", "pairs not real", "other real pairs"]
    head += ["inversions", "context", "replays", "mean s", "p95 s", "max s"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [_summary(what, tally) for what, tally in tallies.items()]
    lines.append("")
    for what, tally in tallies.items():
        lines += [f"- {what}: {line}" for line in (*tally.wrong, *tally.others)]
        lines.append(f"- {what}, the slowest: {tally.slowest}")
    return "\n".join(lines) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz.histories", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="how many with a pair (500)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (1)")
    parser.add_argument("--quick", action="store_true", help="one of each kind")
    parser.add_argument("--only", metavar="TEXT", help="the kinds with this in their name")
    parser.add_argument("--one", type=int, metavar="SEED", help="the history of one seed only")
    parser.add_argument("--programs", metavar="DIR", default=str(next(packaged_folders(), "")))
    parser.add_argument(
        "--table", metavar="FILE", type=Path, default=_TABLE, help="where the table goes"
    )
    return parser.parse_args()


def main() -> int:
    """Tell as many stories as were asked for; the exit code is 1 where one went wrong.

    When it is interrupted, the table is of those that were told.
    """
    options = _arguments()
    kinds = [kind for kind in PLANTED if (options.only or "") in kind.name]
    count = len(kinds) if options.quick else options.count
    seeds = [options.seed * 100_000 + number for number in range(count)]
    tallies = {"with a pair": Tally(), "without a pair": Tally()}
    planted, without = tallies.values()
    with scratch_server(programs=options.programs or None, cache=cache_dir()) as scratch:
        with roles(scratch), suppress(KeyboardInterrupt):
            for number, seed in enumerate([options.one] if options.one else seeds):
                tell(scratch, seed, kinds[seed % len(kinds)], planted)
                if number % _CONTROLS == 0:
                    tell(scratch, seed, None, without)
                if number % _PROGRESS == _PROGRESS - 1:
                    print(f"{number + 1} told: {[*planted.wrong, *without.wrong]}", flush=True)
        print(f"{scratch.label}, {len(kinds)} kinds of pairs, seed {options.seed}")
    table = _table(tallies)
    print(table)
    options.table.parent.mkdir(parents=True, exist_ok=True)
    options.table.write_text(table)
    return int(any(tally.wrong for tally in tallies.values()))


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.exit(main())
