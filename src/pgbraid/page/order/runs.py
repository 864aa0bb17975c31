"""The runs that the journal shows, with applied and failed migrations and their waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from pgbraid.postgres.ledger.journal_lines import JournalLine

__all__ = ["Run", "RunStep", "runs_of"]

_STEPS = frozenset({"applied", "failed", "undone"})


@dataclass(frozen=True, slots=True)
class RunStep:
    """One migration of a run: ``event`` is ``applied``, ``failed``, ``undone`` or ``started``.

    A non-transactional migration is only ``started`` if the run neither finished it nor failed.
    ``waited`` are the seconds before its last attempt, in which other sessions blocked it.
    """

    version: int
    name: str
    event: str
    seconds: float = 0.0
    out_of_order: bool = False
    attempts: int = 1
    waited: float = 0.0
    blocked_by: tuple[str, ...] = ()
    sqlstate: str | None = None
    message: str | None = None
    digits: str = ""

    @property
    def remarkable(self) -> bool:
        """Whether it failed or did not finish, or other sessions blocked it."""
        return self.event in {"failed", "started"} or self.attempts > 1 or bool(self.blocked_by)

    @property
    def label(self) -> str:
        """Version and name."""
        digits = self.digits or str(self.version)
        return f"{digits}_{self.name}" if self.name else digits


@dataclass(frozen=True, slots=True)
class Run:
    """One run, numbered from 1 in the order of the journal.

    ``started_at`` is calculated: the time of its first line, without the time that this migration
    took. ``planned`` is the number of migrations that it was to apply, if the journal has it.
    """

    number: int
    run_id: str
    started_at: datetime | None
    ended_at: datetime | None
    role: str
    application: str
    steps: tuple[RunStep, ...] = ()
    adopted: int = 0
    planned: int | None = None

    def count(self, event: str) -> int:
        """Return how many of its migrations have an event."""
        return sum(step.event == event for step in self.steps)

    @property
    def out_of_order(self) -> int:
        """How many migrations it applied out of order."""
        return sum(step.out_of_order and step.event == "applied" for step in self.steps)

    @property
    def seconds(self) -> float:
        """The time that its migrations took, with their waits."""
        return sum(step.seconds + step.waited for step in self.steps)

    @property
    def interrupted(self) -> bool:
        """Whether it ended before its last migration, and none of its migrations failed."""
        ended = self.planned is None or self.count("applied") >= self.planned
        return not (ended or self.count("failed") or self.count("started"))


def runs_of(
    lines: Iterable[JournalLine], out_of_order: Collection[int], digits: Mapping[int, str]
) -> tuple[Run, ...]:
    """Return the runs of the journal's lines; ``out_of_order`` are the versions that were gaps.

    ``digits`` are the versions as the names of the files have them.
    """
    by_run: dict[str, list[JournalLine]] = {}
    for line in lines:
        by_run.setdefault(line.run_id, []).append(line)
    return tuple(
        _run(number, own, out_of_order, digits) for number, own in enumerate(by_run.values(), 1)
    )


def _run(
    number: int,
    lines: list[JournalLine],
    out_of_order: Collection[int],
    digits: Mapping[int, str],
) -> Run:
    first, last = lines[0], lines[-1]
    ended = {line.version for line in lines if line.event in _STEPS}
    steps = tuple(
        _step(line, out_of_order, digits)
        for line in lines
        if line.event in _STEPS or (line.event == "started" and line.version not in ended)
    )
    before = timedelta()
    if first.event in _STEPS:
        before = timedelta(seconds=steps[0].seconds + steps[0].waited)
    return Run(
        number,
        first.run_id,
        first.at - before if first.at else None,
        last.at,
        first.role,
        first.application,
        steps,
        sum(line.event == "adopted" and line.version is not None for line in lines),
        next((n for line in lines if (n := _whole(line.detail.get("planned")))), None),
    )


def _step(line: JournalLine, out_of_order: Collection[int], digits: Mapping[int, str]) -> RunStep:
    detail, blocked_by = line.detail, line.detail.get("blocked_by")
    message, code = detail.get("message"), detail.get("sqlstate")
    return RunStep(
        line.version or 0,
        line.name or "",
        line.event,
        max(line.seconds or 0.0, 0.0),
        line.version in out_of_order or detail.get("gap") is True,
        _whole(detail.get("attempts")) or 1,
        (_whole(detail.get("waited_ms")) or 0) / 1000,
        tuple(map(str, blocked_by)) if isinstance(blocked_by, list) else (),
        str(code) if code else None,
        str(message) if message else None,
        digits.get(line.version or 0, ""),
    )


def _whole(value: object) -> int | None:
    """Return a positive whole number of the journal's JSON; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None
