"""What a scenario is, what it is given, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from chaos.lab import Lab

__all__ = ["Result", "Row", "Scenario", "Size", "Tally"]


class Size(Enum):
    """How much of a scenario is run."""

    QUICK = "quick"
    FULL = "full"

    def of(self, quick: int, full: int) -> int:
        """Return the one of two counts that this size asks for."""
        return quick if self is Size.QUICK else full


@dataclass(frozen=True, slots=True)
class Result:
    """What a scenario found; a violation says what was expected and what was there."""

    trials: int
    faults: int
    violations: tuple[str, ...] = ()
    remark: str = ""


@dataclass(slots=True)
class Tally:
    """A result while it grows."""

    trials: int = 0
    faults: int = 0
    violations: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def note(self, where: str, found: Iterable[str]) -> None:
        """Keep what was found wrong in a trial."""
        self.violations += [f"{where}: {each}" for each in found]

    def result(self) -> Result:
        """Return what has come together."""
        violations = tuple(self.violations)
        return Result(self.trials, self.faults, violations, "; ".join(self.remarks))


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of trouble: how it is made, and how it is shown that its check can fail.

    ``control`` breaks a promise by hand, or does what a worse tool would do, and returns what
    the scenario's check said of it: nothing said means that the check is blind.
    """

    name: str
    what: str
    run: Callable[[Lab, Size, Random], Result]
    control: Callable[[Lab, Random], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``skipped`` says why a scenario could not run, where it could not."""

    scenario: Scenario
    seconds: float
    result: Result | None = None
    skipped: str = ""
