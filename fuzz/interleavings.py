"""The same independent histories in two orders: their snapshots must be equal."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from fuzz.lab import sorted_lines
from fuzz.mutations import Found
from fuzz.script import shared
from fuzz.strands import Strand, interleave
from pgbraid.prove.comparison.schema_diff import diff_snapshots, differing_facets

if TYPE_CHECKING:
    from fuzz.lab import Lab
    from pgbraid.model.snapshot import Difference, Snapshot

__all__ = ["Interleavings"]

_CLASHING = {"clash": 8, "_table": 1, "hub": 1}
_DUMPED_EACH = 20


@dataclass(frozen=True, slots=True)
class _Replay:
    """What one order left."""

    snapshot: Snapshot
    failed: frozenset[str]
    dump: str | None


@dataclass(slots=True)
class _Tally:
    statements: int = 0
    failed: int = 0
    order_failed: int = 0
    differ: int = 0
    dumps: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)


class Interleavings:
    """The campaign on one server."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.lab, self.seed = lab, seed
        self.tally = _Tally()
        self.base = lab.template(shared())

    def run(self, count: int) -> Found:
        """Try independent histories: where the snapshots differ that is a false alarm."""
        found = Found()
        for number in range(count):
            rng = random.Random(f"{self.seed} {number}")
            strands = self._strands(rng, rng.randint(2, 4), (5, 25), {})
            pair = self._pair(found, number, rng, strands, dumped=number % _DUMPED_EACH == 0)
            if pair is None:
                continue
            self._count_dumps(pair)
            if differing_facets(pair[0].snapshot, pair[1].snapshot):
                differences = diff_snapshots(pair[0].snapshot, pair[1].snapshot)
                self._note(found, f"interleaving {number}", differences)
        return found

    def clash(self, count: int) -> Found:
        """Try histories whose order matters: what pg_dump tells apart the snapshots must, too."""
        found = Found()
        for number in range(count):
            rng = random.Random(f"{self.seed} clash {number}")
            strands = self._strands(rng, 2, (5, 9), _CLASHING)
            pair = self._pair(found, number, rng, strands, dumped=True)
            if pair is None:
                continue
            one, two = pair
            self.tally.differ += one.snapshot != two.snapshot
            if not differing_facets(one.snapshot, two.snapshot):
                lines = [sorted_lines(replay.dump or "") for replay in pair]
                if lines[0] != lines[1]:
                    told = sorted(set(lines[0]) ^ set(lines[1]))[:4]
                    found.note(f"clash {number}", [f"UNSEEN, but pg_dump says {told}"])
        return found

    def remark(self) -> str:
        """Say what else was counted."""
        tally = self.tally
        parts = [f"{tally.statements} statements, {tally.failed} failed"]
        parts.append(f"{tally.order_failed} set aside, where one failed in one order only")
        if tally.differ:
            parts.append(f"{tally.differ} differ")
        if tally.dumps:
            parts.append("pg_dump: " + ", ".join(f"{n} {w}" for w, n in tally.dumps.items()))
        causes = [f"\n    {n} times {cause}" for cause, n in tally.causes.most_common()]
        return "; " + "; ".join(parts) + "".join(causes)

    def _strands(
        self, rng: random.Random, count: int, sizes: tuple[int, int], weights: dict[str, int]
    ) -> list[list[str]]:
        made = [Strand(rng, number, self.lab.features) for number in rng.sample(range(4), count)]
        few = rng.sample(made[0].texts["clash"], 5)
        for strand in made:
            strand.texts = {**strand.texts, "clash": few}
        return [strand.statements(rng.randint(*sizes), **weights) for strand in made]

    def _pair(
        self,
        found: Found,
        number: int,
        rng: random.Random,
        strands: list[list[str]],
        *,
        dumped: bool,
    ) -> tuple[_Replay, _Replay] | None:
        found.tried += 1
        orders = [interleave(rng, strands) for _ in range(2)]
        try:
            one, two = (self._replay(order, dumped=dumped) for order in orders)
        except Exception:  # noqa: BLE001 - the others are to be tried all the same
            found.note(f"{number}", [f"it broke\n{traceback.format_exc(limit=-4)}"])
            return None
        self.tally.statements += len(orders[0])
        self.tally.failed += len(one.failed)
        if one.failed != two.failed:
            self.tally.order_failed += 1
            return None
        return one, two

    def _replay(self, statements: list[str], *, dumped: bool) -> _Replay:
        failed = set()
        with self.lab.database(self.base) as conn:
            for statement in statements:
                try:
                    self.lab.run(conn, statement)
                except psycopg.Error:
                    failed.add(statement)
            snapshot = self.lab.read(conn)
            name = conn.info.dbname
            dump = self.lab.dump(name).replace(name, "") if dumped else None
        return _Replay(snapshot, frozenset(failed), dump)

    def _count_dumps(self, pair: tuple[_Replay, _Replay]) -> None:
        one, two = (replay.dump for replay in pair)
        if one is None or two is None:
            return
        same = sorted_lines(one) == sorted_lines(two)
        what = "alike" if one == two else "differ in order only" if same else "differ"
        self.tally.dumps[what] += 1

    def _note(self, found: Found, where: str, differences: tuple[Difference, ...]) -> None:
        causes = {_cause(difference): difference for difference in differences}
        new = [cause for cause in causes if cause not in self.tally.causes]
        self.tally.causes.update(causes.keys())
        told = [f"{cause}: {_told(causes[cause])}" for cause in new]
        if told:
            found.note(where, told)
        else:
            found.wrong.append(f"{where}: {', '.join(causes)}")


def _cause(difference: Difference) -> str:
    facts = "one side only" if difference.only else ", ".join(f.name for f in difference.attributes)
    return f"{difference.facet.value} {difference.catalog}: {facts}"


def _told(difference: Difference) -> str:
    facts = "; ".join(
        f"{fact.name} {fact.left!r} | {fact.right!r}" for fact in difference.attributes
    )
    return f"{difference.name} {facts}"[:600]
