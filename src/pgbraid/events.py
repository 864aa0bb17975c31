"""The events of a run and of a proof, which ``on_event`` receives."""

from __future__ import annotations

from pgbraid.model.events import (
    Adopted,
    BlockedByLock,
    DryRunPassed,
    Event,
    FileProgress,
    Finished,
    GapProven,
    IndexProgress,
    Interrupted,
    LeftoverDropped,
    Listener,
    Planned,
    ProofStarted,
    ReplayStarted,
    Retrying,
    ServerNotice,
    Started,
    StatementSkipped,
    WaitingForLock,
    WaitingForMigrations,
)

__all__ = [
    "Adopted",
    "BlockedByLock",
    "DryRunPassed",
    "Event",
    "FileProgress",
    "Finished",
    "GapProven",
    "IndexProgress",
    "Interrupted",
    "LeftoverDropped",
    "Listener",
    "Planned",
    "ProofStarted",
    "ReplayStarted",
    "Retrying",
    "ServerNotice",
    "Started",
    "StatementSkipped",
    "WaitingForLock",
    "WaitingForMigrations",
]
