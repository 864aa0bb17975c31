"""Histories by chance with one pair that does not commute: it must be found, and be real.

``python -m bench.fuzz.histories``: every history is judged; the pair that is named is replayed in
both orders, which must differ. Some histories have no such pair and must be the same.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.fuzz.planted import PLANTED, Planted
from pgbraid.config import cache_dir
from pgbraid.core.model import Tracker
from pgbraid.core.proof import Proof, Verdict
from pgbraid.core.snapshot import Facet, facets_that_differ
from pgbraid.db.programs import packaged_folders
from pgbraid.db.scratch import scratch_server
from pgbraid.judge import Question, judge_orders
from pgbraid.replay import Replayer
from pgbraid.source import load_migrations
from pgbraid.stop import StopToken
from pgbraid.survey import silent

if TYPE_CHECKING:
    from pgbraid.core.model import Migration
    from pgbraid.core.proof import Pair
    from pgbraid.db.scratch import Scratch

__all__ = ["Story", "Tally", "make_story", "tell"]

_ROLE = "pgbraid_fuzz_reader"
_OWN = tuple(
    line.strip()
    for line in """
CREATE TABLE own_{n} (id int GENERATED ALWAYS AS IDENTITY, a int, b text DEFAULT 'x');
CREATE TABLE own_{n} (id serial PRIMARY KEY, a int UNIQUE); CREATE INDEX ON own_{n} (a, id);
CREATE TYPE own_{n} AS ENUM ('a', 'b'); CREATE TABLE owned_{n} (e own_{n});
CREATE FUNCTION own_{n}(a int) RETURNS int LANGUAGE sql AS 'SELECT $1 + {n}';
CREATE TABLE own_{n} (a int); INSERT INTO own_{n} SELECT generate_series(1, {n});
CREATE TABLE own_{n} (a int); COMMENT ON TABLE own_{n} IS '{n}'; GRANT SELECT ON own_{n} TO {r};
CREATE VIEW own_{n} AS SELECT {n} AS a, now() AS b;
CREATE SEQUENCE own_{n} INCREMENT {n}; CREATE DOMAIN owned_{n} AS int CHECK (VALUE > {n});
CREATE TABLE own_{n} (a int) PARTITION BY LIST (a); CREATE TABLE o_{n} PARTITION OF own_{n} DEFAULT;
CREATE TABLE own_{n} (a int); CREATE POLICY p ON own_{n} USING (a = {n});
CREATE SCHEMA own_{n}; CREATE TABLE own_{n}.t (a int CONSTRAINT c CHECK (a > {n}));
""".strip().splitlines()
)
"""Migrations that nothing else depends on, and that depend on nothing."""


@dataclass(frozen=True, slots=True)
class Story:
    """A history as it was applied and by version, and the versions of the pair, if there is one."""

    kind: str
    question: Question
    pair: frozenset[int]
    verdict: Verdict


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


def make_story(seed: int, planted: Planted | None) -> Story:
    """Return a history of 40 to 160 migrations, a block of which was merged late."""
    rng = random.Random(f"{seed} {planted.name if planted else ''}")
    count = rng.randint(40, 160)
    texts = [
        rng.choice(_OWN).replace("{n}", str(n)).replace("{r}", _ROLE) for n in range(1, count + 1)
    ]
    needed = len(planted.before) if planted else 0
    first = rng.randint(needed, count - 12)
    second = rng.randint(first + 1, min(first + 40, count - 2))
    if planted:
        places = sorted(rng.sample(range(first), needed))
        for place, text in zip(places, planted.before, strict=True):
            texts[place] = text.replace("{r}", _ROLE)
        texts[first] = planted.first.replace("{r}", _ROLE)
        texts[second] = planted.second.replace("{r}", _ROLE)
    files = load_migrations({f"{n:04d}_m.sql": text for n, text in enumerate(texts, 1)}).migrations
    lowest = max(places, default=-1) + 1 if planted else 0
    begins = rng.randint(max(first - 3, lowest), first)
    ends = rng.randint(first + 1, min(second, first + 4))
    behind = rng.randint(second + 1, min(second + 20, count))
    block = files[begins:ends]
    order = (*files[:begins], *files[ends:behind], *block, *files[behind:])
    pair = frozenset({files[first].version, files[second].version} if planted else ())
    verdict = planted.verdict if planted else Verdict.SAME
    return Story(planted.name if planted else "none", Question(order, files), pair, verdict)


def tell(scratch: Scratch, story: Story, tally: Tally, label: str) -> Proof:
    """Judge a story, look whether the pair is real, and count it."""
    begun = time.perf_counter()
    replayer = Replayer(scratch, Tracker(), stop=StopToken())
    proof = judge_orders(replayer, story.question, listen=silent)
    tally.told += 1
    tally.seconds.append(time.perf_counter() - begun)
    tally.replays.append(proof.replays)
    if proof.verdict is not story.verdict:
        tally.undetected.append(f"{label}: {proof.verdict.value}, not {story.verdict.value}")
    elif story.pair:
        _look_at(scratch, proof, story, tally, label)
    return proof


def _look_at(scratch: Scratch, proof: Proof, story: Story, tally: Tally, label: str) -> None:
    pair = proof.pair
    if pair is None or not _is_real(scratch, pair):
        tally.unreal.append(f"{label}: {pair.sentence if pair else 'no pair'}")
        return
    tally.contexts.append(len(pair.context))
    if {pair.first.version, pair.second.version} != story.pair:
        tally.others.append(f"{label}: {pair.sentence}")


def _is_real(scratch: Scratch, pair: Pair) -> bool:
    """Replay a pair in both orders, behind what it is said to need, and compare."""
    replayer = Replayer(scratch, Tracker(), stop=StopToken())
    base, _ = replayer.base(())
    try:
        ends = []
        for two in ((pair.first, pair.second), (pair.second, pair.first)):
            order: tuple[Migration, ...] = (*pair.context, *two)
            ends.append(replayer.replay(base, order))
        left, right = ends
        if left.snapshot is None or right.snapshot is None:
            return (left.snapshot is None) != (right.snapshot is None)
        return bool(facets_that_differ(left.snapshot, right.snapshot) - {Facet.SEQUENCES})
    finally:
        replayer.release(base)


def _summary(tally: Tally) -> str:
    seconds = sorted(tally.seconds)
    mean, p95 = statistics.mean(seconds), seconds[int(len(seconds) * 0.95) - 1]
    wrong = f"{len(tally.undetected)} with another verdict, {len(tally.unreal)} pairs not real"
    others = f"{len(tally.others)} real pairs other than the planted one"
    took = f"{mean:.2f} s each (p95 {p95:.2f}), {statistics.mean(tally.replays):.1f} replays"
    line = f"{tally.told} told, {wrong}, {others}; {took}"
    contexts = statistics.mean(tally.contexts) if tally.contexts else 0
    return line + (f", context {contexts:.1f} migrations" if tally.contexts else "")


def main() -> int:
    """Tell as many stories as were asked for; the exit code is 1 where one went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz.histories", description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one of each kind")
    parser.add_argument("--programs", metavar="DIR", default=str(next(packaged_folders())))
    options = parser.parse_args()
    planted, without = Tally(), Tally()
    count = len(PLANTED) if options.quick else options.count
    with scratch_server(programs=options.programs, cache=cache_dir()) as scratch:
        scratch.add_role(_ROLE)
        for number in range(count):
            kind = PLANTED[number % len(PLANTED)]
            seed = options.seed * 100_000 + number
            tell(scratch, make_story(seed, kind), planted, f"{kind.name}, seed {seed}")
            if number % 5 == 0:
                tell(scratch, make_story(seed, None), without, f"without a pair, seed {seed}")
    print(f"{scratch.label}, {len(PLANTED)} kinds of pairs")
    for what, tally in (("planted", planted), ("without a pair", without)):
        print(f"{what}: {_summary(tally)}")
        for line in (*tally.undetected, *tally.unreal, *tally.others):
            print(f"  {line}")
    bad = (planted, without)
    return int(any(tally.undetected or tally.unreal for tally in bad))


if __name__ == "__main__":
    sys.exit(main())
