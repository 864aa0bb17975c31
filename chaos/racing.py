"""Runners that race for the same migrations, while something keeps disturbing them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from chaos.forks import Ended, Running
    from chaos.lab import Lab
    from chaos.workload import Workload
    from devtools.database import Database

__all__ = ["Race"]

_RUNNERS = 3
_LONGEST = 60.0
_MOST_STARTS = 120


@dataclass(slots=True)
class Race:
    """Three runners; one that does not end with 0 is started again, until all three did."""

    lab: Lab
    database: Database
    work: Workload
    target: str
    runners: list[Running] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def run(self, disturb: Callable[[Race], None], rng: Random) -> list[str]:
        """Race, disturbed now and then, and return what went wrong with the race itself."""
        self.runners = [self._start() for _ in range(_RUNNERS)]
        deadline, starts = time.monotonic() + _LONGEST, _RUNNERS
        while self.runners:
            if time.monotonic() > deadline or starts > _MOST_STARTS:
                self.ended += [runner.wait(0) for runner in self.runners]
                return [f"a race ends; after {starts} starts {self.ended[-1]}"]
            time.sleep(rng.uniform(0.002, 0.04))
            disturb(self)
            over = [runner for runner in self.runners if not runner.alive]
            for runner in over:
                self.runners.remove(runner)
                self.ended.append(runner.wait())
                if self.ended[-1].code != 0:
                    self.runners.append(self._start())
                    starts += 1
        return []

    def _start(self) -> Running:
        env = {"PGBRAID_DATABASE_URL": self.target}
        return self.lab.forks.start("up", *self.work.words, env=env)

    @property
    def told(self) -> list[int]:
        """Every version that any of them said it applied."""
        return [version for ended in self.ended for version in ended.told]

    def odd_ends(self, expected: set[int]) -> list[str]:
        """Return the ends with a code that no such trouble explains, and the tracebacks."""
        odd = [end for end in self.ended if end.code not in expected or "Traceback" in end.err]
        return [f"a disturbed run ends with one of {sorted(expected)}; {end}" for end in odd]
