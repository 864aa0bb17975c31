"""Many processes that start ``up`` at the same moment."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.checker import contradictions, look, settle

if TYPE_CHECKING:
    from chaos.forks import Ended
    from chaos.lab import Lab
    from chaos.workload import Workload
    from devtools.database import Database

__all__ = ["Round", "boot_all", "told_twice", "waits"]

_READY = 0.02
"""Seconds to fork one of them."""


@dataclass(frozen=True, slots=True)
class Round:
    """What became of boots that started together, and what is wrong with it."""

    boots: tuple[Ended, ...]
    found: list[str]


def boot_all(  # noqa: PLR0913 - what differs between the rounds
    lab: Lab,
    database: Database,
    work: Workload,
    *,
    count: int,
    target: str = "",
    whole: bool = False,
) -> Round:
    """Start ``up`` so many times at once; each must end with 0, each migration run once."""
    env = {"PGBRAID_DATABASE_URL": target or database.conninfo}
    at = time.monotonic() + 0.2 + count * _READY
    runs = [lab.forks.start("up", *work.words, env=env, at=at, whole=whole) for _ in range(count)]
    boots = tuple(run.wait() for run in runs)
    found = [f"every boot ends with 0; {boot}" for boot in boots if boot.code != 0]
    found += told_twice(boots)
    found += contradictions(look(database), told=(v for boot in boots for v in boot.told))
    return Round(boots, found + settle(lab.forks, database, work, target=target))


def told_twice(boots: tuple[Ended, ...]) -> list[str]:
    """Return what more than one run says that it applied."""
    told = Counter(version for boot in boots for version in boot.told)
    twice = sorted(version for version, times in told.items() if times > 1)
    return [f"each version is told of by one run; by more than one {twice}"] if twice else []


def waits(rounds: list[Round]) -> str:
    """Return how long a boot took, most of the time and at worst."""
    times = sorted(boot.seconds for each in rounds for boot in each.boots if boot.seconds)
    if not times:
        return "no times"
    return f"a boot took {times[int(0.95 * (len(times) - 1))]:.2f} s (p95), {times[-1]:.2f} at most"
