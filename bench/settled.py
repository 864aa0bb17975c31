"""The tables in which most or all is applied already: no-op, one pending, one gap."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bench.applying import trial
from bench.effects import check_effects, gap_version, has_effect, work
from bench.model import Command, Place, Sample, Tool, Trial
from bench.peers.ours import OURS, pgbraid
from devtools.checkout import ROOT, Skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.workshop import Workshop

__all__ = ["gap_trials", "noop_trials", "ours_of", "pending_trials"]

_WARM = 50
"""Calls in one warm process, of which the median is taken."""
_PROBES = {
    "up": ("pgbraid library, warm", "ours"),
    "connect": ("psycopg connect, warm", "floor"),
    "query": ("psycopg connect + query, warm", "floor"),
}


def noop_trials(shop: Workshop) -> list[Trial]:
    """Return a run that has nothing to do: every tool, and what a connection alone costs."""
    found: list[Trial] = []
    for n in shop.sizes(100, 1000, 3000):
        found += [_noop(shop, tool, n) for tool in _trackers(shop)]
    if ours := ours_of(shop):
        for n in shop.sizes(100, 1000, 3000):
            found += [_probe(shop, ours, name, n) for name in _PROBES]
            found.append(_bare(shop, ours, n))
        n = shop.sizes(100, 1000)[-1]
        found += [_reader(shop, ours, word, n) for word in ("status", "check")]
    return found


def ours_of(shop: Workshop) -> Tool | None:
    """Return pgbraid without options, if it is among the tools."""
    return next((tool for tool in shop.tools if tool.name == OURS), None)


def _trackers(shop: Workshop) -> list[Tool]:
    """Return the tools that remember; an option for the apply changes nothing here."""
    return [tool for tool in shop.tools if tool.kind == "peer" or tool.name == OURS]


def _noop(shop: Workshop, tool: Tool, n: int) -> Trial:
    return trial(
        tool,
        f"N={n}",
        n,
        shop.rounds_of(10),
        partial(shop.again, tool, n),
        prepare=partial(shop.applied, tool, n),
    )


def _applied_place(shop: Workshop, tool: Tool, n: int) -> Place:
    return shop.place(tool, shop.applied(tool, n), shop.folder(tool, n))


def _reader(shop: Workshop, ours: Tool, word: str, n: int) -> Trial:
    def measure() -> Sample:
        command = pgbraid(word, "--quiet", place=_applied_place(shop, ours, n))
        return shop.sample(command)

    named = replace(ours, name=f"{OURS} {word}")
    return trial(
        named, f"N={n}", n, shop.rounds_of(10), measure, prepare=partial(shop.applied, ours, n)
    )


def _bare(shop: Workshop, ours: Tool, n: int) -> Trial:
    def measure() -> Sample:
        url = _applied_place(shop, ours, n).url
        return shop.sample(Command((sys.executable, str(ROOT / "bench" / "bare.py"), url)))

    named = replace(ours, name="psycopg script", kind="floor")
    return trial(
        named, f"N={n}", n, shop.rounds_of(10), measure, prepare=partial(shop.applied, ours, n)
    )


def _probe(shop: Workshop, ours: Tool, probe: str, n: int) -> Trial:
    def measure() -> Sample:
        place = _applied_place(shop, ours, n)
        words = (sys.executable, "-m", "bench.warm", probe, place.url, str(place.folder))
        outcome = shop.run(Command((*words, str(_WARM)), folder=ROOT))
        if outcome.code:
            raise Skip(outcome.complaint)
        return Sample(statistics.median(json.loads(outcome.said)), note=f"median of {_WARM} calls")

    name, kind = _PROBES[probe]
    named = replace(ours, name=name, kind=kind)
    return trial(
        named, f"N={n}", n, shop.rounds_of(5), measure, prepare=partial(shop.applied, ours, n)
    )


@dataclass(slots=True)
class _Late:
    """A database on which one migration is not applied, and a folder that holds it."""

    shop: Workshop
    tool: Tool
    size: int
    missing: int
    folder: Path | None = None
    database: str = ""
    refused: str = ""

    def prepare(self) -> None:
        """Apply all but the missing one, then lay out all. A refusal is kept for the table."""
        if self.folder is not None:
            return
        self.folder, self.database = (
            self.shop.new_folder(self.tool),
            self.shop.server.new_database(),
        )
        self.tool.lay_out(self.folder, work(self.size, without=self.missing))
        try:
            self.shop.sample(self.tool.apply(self._place(self.database)))
            url = self.shop.server.url(self.database)
            check_effects(url, self.size, without=self.missing)
        except Skip as reason:
            self.refused = str(reason)
        self.tool.lay_out(self.folder, work(self.size))

    def _place(self, database: str) -> Place:
        if self.folder is None:
            raise Skip("not prepared")
        return self.shop.place(self.tool, database, self.folder)

    def measure_pending(self) -> Sample:
        """Apply the missing one to a copy of the database."""
        if self.refused:
            raise Skip(self.refused)
        place = self._place(self.shop.server.new_database(self.database))
        sample = self.shop.sample(self.tool.apply(place))
        check_effects(place.url, self.size)
        return sample

    def measure_gap(self) -> Sample:
        """Run the tool on a copy of the database; only who applies the late one gets a time."""
        if self.refused:
            raise Skip(self.refused)
        place = self._place(self.shop.server.new_database(self.database))
        outcome = self.shop.run(self.tool.apply(place))
        if outcome.code or not has_effect(place.url, self.missing):
            return Sample(note="not applied")
        return Sample(outcome.wall, outcome.cpu)


def pending_trials(shop: Workshop) -> list[Trial]:
    """Return a run with one migration to apply, the newest."""
    n = shop.sizes(100, 1000)[-1]
    return [_late(shop, tool, n, n, lambda late: late.measure_pending) for tool in _trackers(shop)]


def gap_trials(shop: Workshop) -> list[Trial]:
    """Return a run with one migration to apply that is older than others applied.

    ``bench.out_of_order`` shows the result of each tool; here the tools that apply it are timed.
    """
    n = shop.sizes(100, 1000)[-1]
    missing = gap_version(n)
    return [
        _late(shop, tool, n, missing, lambda late: late.measure_gap)
        for tool in _trackers(shop)
        if not tool.chained
    ]


def _late(
    shop: Workshop,
    tool: Tool,
    n: int,
    missing: int,
    measure: Callable[[_Late], Callable[[], Sample]],
) -> Trial:
    late = _Late(shop, tool, n, missing)
    return trial(tool, f"N={n}", n, shop.rounds_of(5), measure(late), prepare=late.prepare)
