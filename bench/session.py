"""Runs tables: round by round, everything of a table interleaved in an order of chance."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import psycopg

from bench.install import cache
from bench.model import Run, Sample, Trial
from bench.workshop import load
from devtools.checkout import ROOT, Skip

if TYPE_CHECKING:
    from bench.results import Results
    from bench.tables import Table
    from bench.workshop import Workshop

__all__ = ["Session"]

_SLOW = 20.0
"""Seconds from which on a trial is run once and no more."""
_HARMLESS = (Skip, OSError, psycopg.Error)
"""What makes a run fail, and the others go on."""


@dataclass(slots=True)
class Session:
    """One call of the harness."""

    shop: Workshop
    results: Results
    name: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M:%S"))
    _ended: set[tuple[str, str, str]] = field(default_factory=set)
    _failed: set[tuple[str, str, str]] = field(default_factory=set)

    def run(self, table: Table) -> None:
        """Measure a table in all its rounds."""
        print(f"\n== {table.name}: {table.title}", flush=True)
        server = self.shop.serve(table.group)
        trials = [each for each in table.trials(self.shop) if self._is_prepared(table, each)]
        with server.settings(dict(table.settings)):
            for number in range(max((each.rounds for each in trials), default=0)):
                self._run_round(table, trials, number)

    def _is_prepared(self, table: Table, trial: Trial) -> bool:
        if trial.prepare is None:
            return True
        try:
            trial.prepare()
        except _HARMLESS as reason:
            self._keep(table, trial, 0, Sample(ok=False, note=_line(reason)))
            return False
        return True

    def _run_round(self, table: Table, trials: list[Trial], number: int) -> None:
        chosen = [each for each in trials if number < each.rounds]
        Random(f"{table.name} {number}").shuffle(chosen)
        for each in chosen:
            if (table.name, each.tool, each.case) not in self._ended:
                self._keep(table, each, number, _measured(each))

    def _keep(self, table: Table, trial: Trial, number: int, sample: Sample) -> None:
        """Write a run down and say it; one that takes long or fails twice is not repeated."""
        key = (table.name, trial.tool, trial.case)
        if (sample.wall or 0.0) > _SLOW or (not sample.ok and key in self._failed):
            self._ended.add(key)
        if not sample.ok:
            self._failed.add(key)
        run = Run(
            **asdict(replace(sample, note=self._without_paths(sample.note))),
            table=table.name,
            case=trial.case,
            tool=trial.tool,
            version=trial.version,
            kind=trial.kind,
            size=trial.size,
            round=number,
            load=round(load(), 2),
            session=self.name,
        )
        self.results.add(run)
        print(_told(run), flush=True)

    def _without_paths(self, text: str) -> str:
        """Keep this machine's folders out of the results."""
        for folder in (self.shop.scratch, ROOT, cache(), Path(sys.prefix)):
            text = text.replace(str(folder), "...")
        return text


def _measured(trial: Trial) -> Sample:
    try:
        return trial.measure()
    except _HARMLESS as reason:
        return Sample(ok=False, note=_line(reason))


def _line(reason: Exception) -> str:
    lines = str(reason).strip().splitlines()
    return lines[0] if lines else type(reason).__name__


def _told(run: Run) -> str:
    words = [f"{run.round + 1:2}", f"{run.case:14}", f"{run.tool:32}"]
    if run.wall is not None:
        words.append(f"{run.wall * 1000:9.1f} ms")
    if run.cpu is not None:
        words.append(f"cpu {run.cpu * 1000:.0f}+{(run.server_cpu or 0) * 1000:.0f}")
    if run.server_rss is not None:
        words.append(f"memory {(run.rss or 0) >> 20}+{run.server_rss >> 20} MB")
    if run.trips is not None:
        words.append(f"{run.trips} round trips, {run.connections} connections")
    words.append(f"load {run.load:.1f}")
    note = run.note if run.ok else f"FAILED: {run.note}"
    return "  ".join([*words, note])
