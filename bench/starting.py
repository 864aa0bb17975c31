"""The tables of what a start costs: of the programs, and of pgbraid's embedded server."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bench.applying import trial
from bench.model import Command, Sample, Tool, Trial
from bench.peers.ours import OURS, pgbraid
from bench.settled import ours_of
from devtools.checkout import ROOT, Skip

if TYPE_CHECKING:
    from bench.workshop import Workshop

__all__ = ["embedded_trials", "startup_trials"]

_SERVERS = ("template in memory", "template on disk", "first ever", "lasting folder, warm")


def startup_trials(shop: Workshop) -> list[Trial]:
    """Return the commands that need no database, beside an interpreter that does nothing."""
    rounds = shop.rounds_of(20)
    found = [
        trial(_about(tool), "start", 0, rounds, partial(_version, shop, tool))
        for tool in shop.tools
        if tool.about is not None
    ]
    if ours := ours_of(shop):
        (n,) = shop.sizes(100)
        nothing = Command((sys.executable, "-c", "pass"))
        found += [
            _plain(shop, ours, "python -c pass", nothing, "floor"),
            _plain(shop, ours, f"{OURS} --help", pgbraid("--help")),
            _on_files(shop, ours, "new", n),
            *(_on_files(shop, ours, "check", size) for size in shop.sizes(100, 1000)),
        ]
    return found


def _about(tool: Tool) -> Tool:
    return replace(tool, name=f"{tool.name.partition(' floor')[0]} --version")


def _version(shop: Workshop, tool: Tool) -> Sample:
    if tool.about is None:
        raise Skip("has no version command")
    return shop.sample(tool.about(shop.place(tool, "postgres", shop.scratch)))


def _plain(shop: Workshop, ours: Tool, name: str, command: Command, kind: str = "ours") -> Trial:
    named = replace(ours, name=name, kind=kind)
    return trial(named, "start", 0, shop.rounds_of(20), lambda: shop.sample(command))


def _on_files(shop: Workshop, ours: Tool, word: str, n: int) -> Trial:
    options = ("a_table",) if word == "new" else ("--offline", "--quiet")

    def measure() -> Sample:
        folder = shop.folder(replace(ours, name=f"{OURS} {word}"), n)
        return shop.sample(pgbraid(word, *options, "--dir", str(folder)))

    shown = "new NAME" if word == "new" else "check --offline"
    named = replace(ours, name=f"{OURS} {shown}, {n} files")
    return trial(named, "start", n, shop.rounds_of(20), measure)


def embedded_trials(shop: Workshop) -> list[Trial]:
    """Return how long it takes until pgbraid's embedded server can be used."""
    ours = ours_of(shop)
    if ours is None:
        return []
    return [
        trial(
            replace(ours, name=name),
            "usable",
            0,
            shop.rounds_of(3 if name == "first ever" else 10),
            partial(_embedded, shop, name),
        )
        for name in _SERVERS
    ]


def _embedded(shop: Workshop, name: str) -> Sample:
    words = (sys.executable, "-m", "bench.embedding", name, str(shop.scratch / "embedded"))
    outcome = shop.run(Command(words, folder=ROOT))
    if outcome.code:
        raise Skip(outcome.complaint)
    return Sample(float(json.loads(outcome.said.splitlines()[-1])))
