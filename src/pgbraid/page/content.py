"""The content of the report page, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid._version import __version__
from pgbraid.model.results import State
from pgbraid.page.sections.drift import DriftSection, FailedSection

if TYPE_CHECKING:
    from datetime import datetime

    from pgbraid.page.order.blocks import Braid
    from pgbraid.page.order.placed import PlacedMigration
    from pgbraid.page.order.runs import Run, RunStep
    from pgbraid.page.sections.hazards import Hazard
    from pgbraid.page.sections.proof import ProofSection

__all__ = ["PageContent", "Tile"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the top of the page; ``tone`` is ``good``, ``bad``, ``note`` or ``none``."""

    name: str
    title: str
    value: str | int
    section: str
    tone: str = "none"
    note: str = ""


@dataclass(frozen=True, slots=True)
class PageContent:
    """All that the page of one database shows; a section that was not requested is None."""

    database: str
    """The name of the database, without user, host and password."""
    server: str
    """The version of the server."""
    made_at: datetime
    migrations: tuple[PlacedMigration, ...]
    """Every migration that is applied or pending, in the order of application."""
    runs: tuple[Run, ...]
    braid: Braid
    inversions: int
    """The number of pairs that stand in another order than that of the versions."""
    proof: ProofSection | FailedSection | None = None
    drift: DriftSection | FailedSection | None = None
    hazards: tuple[Hazard, ...] | None = None
    notes: tuple[str, ...] = ()
    pgbraid: str = __version__

    @property
    def last_steps(self) -> dict[int, tuple[Run, RunStep]]:
        """By version, the run that applied it, and its step there."""
        return {
            step.version: (run, step)
            for run in self.runs
            for step in run.steps
            if step.event == "applied"
        }

    def in_state(self, *states: State) -> int:
        """Return the number of migrations in one of these states."""
        return sum(migration.state in states for migration in self.migrations)

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The figures at the top. Nothing is good where nothing was compared."""
        pending = [migration for migration in self.migrations if migration.pending]
        applied = [migration for migration in self.migrations if not migration.pending]
        moved = sum(migration.out_of_order for migration in applied)
        gaps = sum(migration.out_of_order for migration in pending)
        failed = sum(bool(run.count("failed")) for run in self.runs)
        incomplete = self.in_state(State.INCOMPLETE)
        tiles = [
            Tile("applied", "applied", len(applied), "migrations"),
            Tile("out_of_order", "of them out of order", moved, "braid", "note" * bool(moved)),
            Tile(
                *("pending", "pending", len(pending), "migrations"),
                tone="bad" if incomplete else "note" * bool(pending),
                note=f"{incomplete} incomplete" if incomplete else "",
            ),
            Tile("gaps", "gaps", gaps, "braid", "note" * bool(gaps)),
            self._proof_tile(),
            self._drift_tile(),
            Tile(
                *("runs", "runs", len(self.runs), "runs"),
                note=f"{failed} failed" if failed else "",
            ),
        ]
        if self.hazards is not None:
            errors = sum(hazard.severity == "error" for hazard in self.hazards)
            tone = "bad" if errors else "note" * bool(self.hazards)
            tiles.append(Tile("hazards", "hazards", len(self.hazards), "hazards", tone))
        return tuple(tiles)

    def _proof_tile(self) -> Tile:
        if self.proof is None:
            return Tile("proof", "proof", "not proven", "proof")
        if isinstance(self.proof, FailedSection):
            return Tile("proof", "proof", "could not be made", "proof", "bad")
        tone = "good" if self.proof.good else "bad"
        accepted = "accepted" if self.proof.accepted else ""
        return Tile("proof", "proof", self.proof.verdict, "proof", tone, accepted)

    def _drift_tile(self) -> Tile:
        if self.drift is None:
            return Tile("drift", "drift", "not compared", "drift")
        if isinstance(self.drift, FailedSection):
            return Tile("drift", "drift", "could not be compared", "drift", "bad")
        tone = "bad" if self.drift.drifted else "good"
        return Tile("drift", "drifted objects", self.drift.drifted, "drift", tone)
