"""The command line of the campaign over seed data."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from devtools.checkout import ROOT
from fuzz.seeds.oracle import Opinion, ask
from fuzz.seeds.provers import Direct, Recorded
from fuzz.seeds.psql import Psql
from fuzz.seeds.story import make_story
from fuzz.seeds.tally import Tally, agree
from fuzz.seeds.world import READER, WRITER
from pgbraid.model.proof import Verdict
from pgbraid.postgres.catalog.changing_values import ChangingRows
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.postgres.server.binaries import find_programs
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings import environment

if TYPE_CHECKING:
    from fuzz.seeds.psql import Built
    from fuzz.seeds.story import Story
    from pgbraid.model.proof import ConflictingPair, Proof

__all__ = ["Campaign"]

_RESULTS = ROOT / "bench" / "results"
_DEPLOYER = "seeds_deployer"
_QUICK = 12
_PROGRESS = 25
_TRIES = 8


@dataclass(slots=True)
class Campaign:
    """A prover, an oracle, and what came of the histories."""

    psql: Psql
    prover: Direct | Recorded
    tally: Tally = field(default_factory=Tally)
    pairs: int = 100
    """How many pairs are looked at."""
    lines: Path | None = None

    def run(self, seed: int) -> tuple[Story, Proof | None, Opinion | None]:
        """Judge the history of one seed, and count it."""
        story, built = self._that_runs(make_story(seed))
        try:
            begun = time.perf_counter()
            proof = self.prover.prove(story, pair=self.pairs > 0)
            took = time.perf_counter() - begun
            if proof is None:
                self.tally.skipped += 1
                return story, None, None
            opinion = self._opinion(story, proof, built)
            self.tally.add(story, proof, opinion)
            pair = self._look_at_pair(story, proof)
            self._write(story, proof, opinion, pair, took)
        except Exception:  # noqa: BLE001 - the others are to be judged all the same
            self.tally.broken.append(f"seed {seed} broke\n{traceback.format_exc(limit=-5)}")
            return story, None, None
        return story, proof, opinion

    def _that_runs(self, story: Story) -> tuple[Story, Built]:
        """Leave out what does not run by version, most of the time."""
        for _ in range(_TRIES if story.seed % 12 else 0):
            built = self.psql.build(story.texts.values())
            less = built.failure and story.without(list(story.texts)[built.failed])
            if not less:
                return story, built
            story = less
        return story, self.psql.build(story.texts.values())

    def _opinion(self, story: Story, proof: Proof, built: Built) -> Opinion:
        left, right = (
            [m.version for m in order] for order in (proof.recorded_order, proof.version_order)
        )
        known = built if right == list(story.texts) else None
        return ask(self.psql, story, (left, right), known)

    def _look_at_pair(self, story: Story, proof: Proof) -> str:
        """Build a pair in both orders: whether they differ, as the sentence says."""
        pair = proof.pair
        if proof.verdict is not Verdict.DIFFERENT:
            return ""
        if self.pairs <= 0:
            return ""
        self.pairs -= 1
        if pair is None:
            self.tally.pairs["none named"] += 1
            return "none"
        opinion = ask(self.psql, story, _orders(pair))
        real = agree(
            Verdict.FAILS if pair.recorded_failure or pair.version_failure else Verdict.DIFFERENT,
            opinion.result,
        )
        said = {True: "real", False: "not real", None: "undecided"}[real]
        self.tally.pairs[said] += 1
        if real is False:
            self.tally.wrong.append(f"seed {story.seed}: {pair.sentence}, and {opinion}")
        return f"{said}: {pair.sentence}"

    def _write(self, story: Story, proof: Proof, opinion: Opinion, pair: str, took: float) -> None:
        if self.lines is None:
            return
        line = {
            "seed": story.seed,
            "verdict": proof.verdict.value,
            "result": opinion.result.value,
            "agree": agree(proof.verdict, opinion.result),
            "complete": proof.complete,
            "left_out": proof.not_compared,
            "differences": [f"{d.facet.value}: {d.name}" for d in proof.differences],
            "told": opinion.told,
            "tables": sorted(opinion.tables),
            "sequences": opinion.sequences,
            "pair": pair,
            "sentence": proof.pair.sentence if proof.pair else proof.no_pair,
            "order": story.order,
            "replays": proof.replays,
            "seconds": round(took, 2),
            "steps": story.steps,
        }
        with self.lines.open("a") as file:
            file.write(json.dumps(line) + "\n")


def _orders(pair: ConflictingPair) -> tuple[list[int], list[int]]:
    before, after = ([m.version for m in found] for found in (pair.context, pair.after))
    one, two = pair.first.version, pair.second.version
    return [*before, one, two, *after], [*before, two, one, *after]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz.seeds", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many histories (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first one (1)")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK} of them")
    parser.add_argument("--one", action="store_true", help="show the history, too")
    parser.add_argument(
        "--role",
        choices=("plain", "guest"),
        help="migrate without superuser, as the database's owner or not",
    )
    parser.add_argument("--pairs", type=int, default=100, help="how many pairs to look at (100)")
    parser.add_argument("--blind", action="store_true", help="the control: mask all that may move")
    parser.add_argument("--programs", metavar="DIR", help="the server's programs, with psql")
    parser.add_argument(
        "--lines", metavar="FILE", type=Path, help="a line of JSON for each history"
    )
    return parser.parse_args()


def _opened(stack: ExitStack, options: argparse.Namespace) -> Campaign:
    """Start a server for each side: what one does to roles must not reach the other."""
    programs = find_programs(options.programs or environment.server_programs())
    folder, cache = str(programs.folder), environment.cache_dir()
    server = stack.enter_context(embedded_server(programs=folder, cache=cache))
    role = _DEPLOYER if options.role else None
    owned = options.role != "guest"
    psql = Psql(server.conninfo, programs.folder, role, owned)
    psql.run(f"CREATE ROLE {READER}; CREATE ROLE {WRITER};")
    if role:
        psql.run(f"CREATE ROLE {role} LOGIN;")
        return Campaign(psql, Recorded(server.conninfo, role, owned), pairs=options.pairs)
    scratch = stack.enter_context(scratch_server(programs=folder, cache=cache))
    return Campaign(psql, Direct(scratch), pairs=options.pairs)


def _blinded(*_: object) -> ChangingRows:
    """Return a mask that hides every row: what the control puts in place of ours."""
    return ChangingRows(values={("every table", ""): None})


def main() -> int:
    """Judge as many histories as were asked for; the exit code is 1 where one went wrong."""
    options = _arguments()
    count = _QUICK if options.quick else options.count
    with ExitStack() as stack:
        campaign = _opened(stack, options)
        campaign.lines = options.lines
        if options.blind:
            stack.enter_context(
                mock.patch("pgbraid.prove.comparison.compare_results.find_changing", _blinded)
            )
            nothing = ({}, frozenset[str]())
            place = "pgbraid.prove.comparison.compare_results.digests_by_meaning"
            stack.enter_context(mock.patch(place, return_value=nothing))
        for number, seed in enumerate(range(options.seed, options.seed + count)):
            story, proof, opinion = campaign.run(seed)
            if options.one:
                _show(story, proof, opinion)
            if number % _PROGRESS == _PROGRESS - 1:
                print(f"{number + 1} judged, {len(campaign.tally.wrong)} wrong", flush=True)
    print(campaign.tally.table())
    return int(bool(campaign.tally.wrong or campaign.tally.broken))


def _show(story: Story, proof: Proof | None, opinion: Opinion | None) -> None:
    for version, text in story.texts.items():
        print(f"-- {version}: m\n{text}")
    print("order:", *story.order)
    if proof:
        print(proof.verdict.value, "|", proof.pair.sentence if proof.pair else proof.no_pair)
        print("\n".join(f"  {d.facet.value}: {d.name}" for d in proof.differences))
        print("\n".join(f"  not compared: {line}" for line in proof.not_compared))
    print(opinion)


if __name__ == "__main__":
    sys.exit(main())
